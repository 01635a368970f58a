//! What the READMEs and `--help` say of options, defaults, exit codes, keys and names, against the program. Each list is read from where a
//! person reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt;
use std::process::Output;

use cellscan::exit;
use cellscan::import::Format;
use cellscan_sim::pty::PtyModem;
use cellscan_tests::support::{StandIn, Workbench, binaries, quick_modem};
use serde_json::Value;

use super::{SOON, repository};

const HOST: &str = "host/README.md";
const LOGS: &str = "host/LOGS.md";
const LINUX: &str = "host/linux/README.md";
/// The commands with options of their own.
const COMMANDS: [&str; 10] =
    ["scan", "run", "restore", "status", "doctor", "ports", "at", "decode", "record", "replay"];

fn run(words: &str) -> Output {
    binaries::cellscan().args(words.split_whitespace()).output().expect("the built cellscan starts")
}

fn help(command: &str) -> String {
    String::from_utf8(run(&format!("{command} --help")).stdout).expect("text")
}

/// The options of a command, with their defaults, from its help.
fn options(command: &str) -> BTreeMap<String, Option<String>> {
    let help = help(command);
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let mut last = None;
    for line in help.lines().skip_while(|line| !line.ends_with(':')) {
        // An option is indented by two or six columns, its text by more.
        let indent = line.len() - line.trim_start().len();
        let is_option = indent <= 6 && line.trim_start().starts_with('-');
        if let Some(name) = line.split_whitespace().find(|word| word.starts_with("--")).filter(|_| is_option)
        {
            let name = name.trim_end_matches("...").split(['[', '=']).next().unwrap_or_default();
            last = Some(name.to_owned());
        }
        if line.starts_with("Exit codes:") {
            break;
        }
        if let Some(name) = &last {
            let text = found.entry(name.clone()).or_default();
            text.push(' ');
            text.push_str(line.trim());
        }
    }
    let default = |text: &str| {
        let (_, rest) = text.split_once("[default: ")?;
        Some(rest.split(']').next()?.to_owned())
    };
    found.into_iter().map(|(name, text)| (name, default(&text))).collect()
}

/// The words in backticks.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The cells of a row; a bar in backticks is text.
fn cells(row: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut is_quoted = false;
    for letter in row.trim().trim_start_matches('|').trim_end_matches('|').chars() {
        is_quoted ^= letter == '`';
        match (letter, cells.last_mut()) {
            ('|', _) if !is_quoted => cells.push(String::new()),
            (letter, Some(cell)) => cell.push(letter),
            (_, None) => {}
        }
    }
    cells.iter().map(|cell| cell.trim().to_owned()).collect()
}

/// The rows of the tables behind a line that contains `mark`, up to the next text: their cells.
#[track_caller]
fn table(file: &str, mark: &str) -> Vec<Vec<String>> {
    let text = repository(file);
    let mut lines = text.lines().skip_while(|line| !line.contains(mark)).skip(1);
    let rows: Vec<Vec<String>> = lines
        .by_ref()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .map(cells)
        .collect();
    assert!(rows.len() > 2, "{file}: {mark}");
    rows.into_iter().skip(2).collect()
}

/// The keys of the table behind `mark`.
fn keys_said(file: &str, mark: &str) -> BTreeSet<String> {
    table(file, mark).iter().flat_map(|row| quoted(&row[0])).collect()
}

/// The keys of an object, but for `kind`.
fn keys(object: &Value) -> BTreeSet<String> {
    let keys = object.as_object().into_iter().flat_map(|object| object.keys().cloned());
    keys.filter(|key| key != "kind").collect()
}

fn objects(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).expect("each line is an object")).collect()
}

#[track_caller]
fn of_kind(objects: &[Value], kind: &str) -> Value {
    let found = objects.iter().find(|object| object["kind"] == kind);
    found.unwrap_or_else(|| panic!("no {kind}: {objects:?}")).clone()
}

#[test]
fn the_readme_and_the_help_of_each_command_have_the_same_options_and_defaults() {
    let mut said: BTreeMap<String, BTreeMap<String, Option<String>>> = BTreeMap::new();
    for row in table(HOST, "## Options") {
        let default = quoted(&row[2]).first().cloned();
        let all = row[1] == "all";
        let commands = if all { COMMANDS.map(str::to_owned).to_vec() } else { quoted(&row[1]) };
        for command in commands {
            for option in quoted(&row[0]) {
                said.entry(command.clone()).or_default().insert(option, default.clone());
            }
        }
    }
    for command in COMMANDS {
        let mut real = options(command);
        real.remove("--help");
        let said = said.remove(command).unwrap_or_default();
        let names = |options: &BTreeMap<String, Option<String>>| options.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&said), names(&real), "{command}");
        for (option, default) in said {
            if let Some(default) = default {
                // A time is the same in minutes and in seconds.
                let real = real[&option].clone().unwrap_or_default().replace("600s", "10m");
                assert_eq!(real, default, "{command} {option}");
            }
        }
    }
    assert_eq!(said.into_keys().collect::<Vec<_>>(), Vec::<String>::new(), "commands that there are not");
}

/// Options of other programs that the READMEs mention.
const OF_OTHERS: [&str; 4] = ["--release", "--debug", "--all-targets", "--inhibit-device"];

#[test]
fn the_readmes_name_no_option_that_there_is_not() {
    let known: BTreeSet<String> = COMMANDS.iter().flat_map(|command| options(command).into_keys()).collect();
    for file in ["README.md", HOST, LOGS, LINUX] {
        let text = repository(file);
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        for word in words.filter(|word| word.starts_with("--") && word.len() > 2) {
            let named = word.trim_end_matches('-');
            let is_arrow_or_rule = named.trim_matches('-').is_empty();
            let of_another = OF_OTHERS.contains(&named);
            assert!(known.contains(named) || of_another || is_arrow_or_rule, "{file}: {word}");
        }
    }
}

#[test]
fn the_exit_codes_are_the_same_in_the_readme_and_the_help_and_each_is_produced() {
    let said: Vec<String> = table(HOST, "## Exit codes").iter().map(|row| row[0].clone()).collect();
    let in_help =
        exit::HELP.lines().skip(1).filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let in_help: Vec<String> =
        in_help.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    assert_eq!(said, in_help);
    let sample = |name: &str| format!("{}/replay/samples/{name}.log", env!("CARGO_MANIFEST_DIR"));
    let modem = PtyModem::spawn(quick_modem(), 1, None).expect("a modem on a pty");
    let port = modem.path();
    let port = port.display();
    let produced: [(&str, String); 14] = [
        ("0", "scan --sim".to_owned()),
        ("0", "status".to_owned()),
        ("0", "restore --run-dir /nonexistent --state-dir /nonexistent".to_owned()),
        ("0", "ports --no-ask".to_owned()),
        ("0", format!("at {port} AT AT+CSQ")),
        ("0", format!("replay {}", sample("gateway"))),
        ("1", "scan --sim=no-network".to_owned()),
        ("1", "doctor --port /dev/null".to_owned()),
        ("1", format!("replay {}", sample("unknown"))),
        ("1", format!("at {port} AT+NOSUCH")),
        ("2", "scan --sim=next-best".to_owned()),
        ("100", "scan --port /dev/null".to_owned()),
        ("111", "scan --port /dev/nonexistent".to_owned()),
        ("111", "replay /nonexistent".to_owned()),
    ];
    for (code, words) in &produced {
        let output = run(words);
        let real = output.status.code().map(|code| code.to_string());
        assert_eq!(real.as_deref(), Some(*code), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let produced: BTreeSet<&str> = produced.iter().map(|(code, _)| *code).collect();
    assert_eq!(produced, said.iter().map(String::as_str).collect(), "each of the table");
}

#[test]
fn the_keys_of_a_scan_are_those_of_the_readme() {
    let all = objects(&run("scan --sim --json"));
    for kind in ["state", "carrier", "scan"] {
        let mark = format!("`{{\"kind\":\"{kind}\", …}}`");
        assert_eq!(keys_said(HOST, &mark), keys(&of_kind(&all, kind)), "{kind}");
    }
}

#[test]
fn the_keys_of_status_doctor_ports_at_and_of_a_fatal_error_are_those_of_the_readme() {
    let bench =
        Workbench::new().modem(quick_modem()).pppd(StandIn { lock: true, ..StandIn::default() }).start();
    let _pppd = bench.wait_for_holder(SOON, None);
    let look = |word: &str| {
        let mut command = bench.cellscan();
        command.args([word, "--json", "--link", "none", "--service"]).arg(bench.service());
        command.arg("--port").arg(bench.port()).arg("--lock-dir").arg(bench.locks());
        command.arg("--run-dir").arg(bench.root().join("run"));
        objects(&command.output().expect("the built cellscan starts"))
    };
    let status = of_kind(&look("status"), "status");
    assert_eq!(keys_said(HOST, "`{\"kind\":\"status\", …}`"), keys(&status));
    let all = look("doctor");
    let text = repository(HOST);
    let doctor =
        text.split_once("## `doctor`").expect("it is there").1.split("\n## ").next().unwrap_or_default();
    for key in keys(&of_kind(&all, "check")).iter().chain(&keys(&of_kind(&all, "doctor"))) {
        assert!(doctor.contains(&format!("`{key}`")), "doctor: {key}");
    }
    let named: BTreeSet<String> = table(HOST, "## `doctor`").iter().flat_map(|row| quoted(&row[0])).collect();
    for check in all.iter().filter_map(|object| object["check"].as_str()) {
        assert!(named.contains(check), "doctor: check {check}");
    }
    let modem = PtyModem::spawn(quick_modem(), 1, None).expect("a modem on a pty");
    let answered = objects(&run(&format!("at {} AT+CSQ --json", modem.path().display())));
    let section = |name: &str| {
        let rest = text.split_once(&format!("## `{name}`")).expect("it is there").1;
        rest.split("\n## ").next().unwrap_or_default().to_owned()
    };
    for key in keys(&of_kind(&answered, "at")) {
        assert!(section("at").contains(&format!("`{key}`")), "at: {key}");
    }
    for key in ["path", "device", "ppp", "holders", "locked_by", "answers", "not_asked"] {
        assert!(section("ports").contains(&format!("`{key}`")), "ports: {key}");
    }
    let fatal = of_kind(&objects(&run("scan --json --port /dev/null")), "fatal");
    assert_eq!(keys(&fatal), ["exit", "message"].map(str::to_owned).into());
    assert!(text.contains("{\"kind\":\"fatal\",\"exit\":111,\"message\":…}"));
}

#[test]
fn the_keys_and_names_of_a_log_are_those_of_the_readme() {
    let sample = format!("{}/replay/samples/gateway.log", env!("CARGO_MANIFEST_DIR"));
    let all = objects(&run(&format!("replay --json {sample}")));
    let rows = table(LOGS, "`--json`, one object per line");
    for row in rows {
        let kind = quoted(&row[0]).first().cloned().unwrap_or_default();
        let said: BTreeSet<String> = quoted(&row[1]).into_iter().collect();
        let Some(object) = all.iter().find(|object| object["kind"] == kind.as_str()) else { continue };
        for key in keys(object).iter().filter(|key| *key != "source") {
            assert!(said.contains(key), "{kind}: {key}");
        }
    }
    let formats: BTreeSet<String> =
        table(LOGS, "`--format` names it").iter().flat_map(|row| quoted(&row[0])).collect();
    let real: BTreeSet<String> =
        Format::ALL.iter().chain([&Format::Unknown]).map(|format| format.name().to_owned()).collect();
    assert_eq!(formats, real);
}

#[test]
fn the_findings_of_the_readme_are_those_that_there_are() {
    let text = repository(LOGS);
    let said =
        text.split_once("\nFindings: ").expect("they are there").1.split("\n\n").next().unwrap_or_default();
    let source = repository("host/src/replay/findings.rs");
    let names = source.split_once("pub const fn name(self)").expect("it is there").1;
    let names = names.split("\n    }\n").next().unwrap_or_default();
    let real: BTreeSet<String> = names.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    assert_eq!(quoted(said).into_iter().collect::<BTreeSet<_>>(), real);
}

/// What `host/linux/README.md` says under "Files", after a scan.
#[test]
fn a_scan_leaves_the_files_and_modes_that_the_readme_names() {
    let bench =
        Workbench::new().modem(quick_modem()).pppd(StandIn { lock: true, ..StandIn::default() }).start();
    let _pppd = bench.wait_for_holder(SOON, None);
    let (run, state) = (bench.root().join("run"), bench.root().join("state"));
    let mut command = bench.cellscan();
    command.args(["scan", "--quiet", "--link", "none", "--confirm", "0s", "--service"]).arg(bench.service());
    command.arg("--port").arg(bench.port()).arg("--lock-dir").arg(bench.locks());
    command.arg("--run-dir").arg(&run).arg("--state-dir").arg(&state);
    let output = command.output().expect("the built cellscan starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = repository(LINUX);
    let files = said.split_once("## Files").expect("it is there").1;
    for name in
        ["`carriers`", "`selected-HASH.json`", "`lease-DEV-INODE.json`", "`control`", "`claim-DEV-INODE`"]
    {
        assert!(files.contains(name), "{name}");
    }
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("it is there").mode() & 0o777;
    assert_eq!((mode(&run), mode(&state), mode(&state.join("carriers"))), (0o700, 0o700, 0o600));
    let text = std::fs::read_to_string(state.join("carriers")).expect("it is there");
    assert!(text.starts_with('#') && text.ends_with("310410 -63 # AT&T\n"), "{text}");
    let names = |dir: &std::path::Path| {
        let entries = std::fs::read_dir(dir).expect("it is there").flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect::<BTreeSet<_>>()
    };
    assert!(names(&state).iter().any(|name| name.starts_with("selected-") && name.contains(".json")));
    let left = names(&run);
    assert!(left.iter().all(|name| name.starts_with("claim-")), "no lease is left: {left:?}");
    for claim in &left {
        assert_eq!(mode(&run.join(claim)), 0o600, "{claim}");
    }
}
