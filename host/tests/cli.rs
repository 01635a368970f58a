//! The program from outside: what it prints, on which stream, and its exit code.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics with its place")]

use std::io::Read;
use std::process::{Command, Output, Stdio};

use cellscan_sim::scenario::BUILTIN;
use serde_json::Value;

fn cellscan(words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cellscan"));
    command.args(words.split_whitespace()).stdin(Stdio::null()).env_remove("CELLSCAN_LOG");
    command
}

fn run(words: &str) -> Output {
    cellscan(words).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn objects(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn states(output: &Output) -> Vec<&str> {
    let number = |line: &'_ str| Some(line.strip_prefix("Cellular Scan - State ")?.split_once(':')?.0.len());
    let lines = text(&output.stderr).lines();
    let mut states: Vec<&str> =
        lines.filter_map(|line| line.strip_prefix("Cellular Scan - State ")?.get(..number(line)?)).collect();
    states.dedup();
    states
}

#[test]
fn each_scenario_has_its_listed_exit_code_and_gives_the_service_back() {
    for builtin in BUILTIN {
        let output = run(&format!("scan --json --quiet --sim={}", builtin.name));
        assert_eq!(output.status.code(), Some(i32::from(builtin.exit)), "{}", builtin.name);
        let objects = objects(&output);
        let scan = objects.last().unwrap();
        assert_eq!(scan["given_back"], true, "{}: {scan}", builtin.name);
        assert_eq!(scan["simulated"], builtin.name);
        let complete = matches!(builtin.exit, 0 | 2);
        assert_eq!(scan["outcome"] == "complete", complete, "{}: {scan}", builtin.name);
        assert_eq!(scan["reason"].is_null(), complete, "{}: {scan}", builtin.name);
        assert_eq!(scan["link"] == false, builtin.exit == 2, "{}: {scan}", builtin.name);
    }
}

#[test]
fn an_option_that_the_daemon_would_ignore_is_refused_before_it_is_asked() {
    let root = tempfile::tempdir().unwrap();
    let run_dir = root.path().display();
    let refused = run(&format!("scan --run-dir {run_dir} --service pppd --budget 4m"));
    let said = text(&refused.stderr);
    assert_eq!((refused.status.code(), text(&refused.stdout)), (Some(100), ""));
    assert!(said.contains("--service, --budget: found no --port") && said.contains("cellscan run"), "{said}");
    let asked = run(&format!("-vvv scan --run-dir {run_dir} --request 7"));
    let said = text(&asked.stderr);
    assert_eq!(asked.status.code(), Some(100), "there is none: {said}");
    assert!(said.contains("asking") && said.contains("found neither a port nor a daemon"), "{said}");
}

#[test]
fn the_states_of_the_recorded_scan_are_printed_in_order() {
    let output = run("scan --sim");
    assert_eq!(output.status.code(), Some(0));
    let trial = ["5", "6", "7"];
    let mut expected = vec!["1", "1b", "2", "2b", "3", "4", "7"];
    expected.extend([trial, trial].concat());
    expected.extend(["5", "7"]);
    expected.extend(trial);
    expected.extend(["8", "9", "9b", "10", "10b", "11"]);
    assert_eq!(states(&output), expected);
    let result = text(&output.stdout);
    assert!(result.contains("Selected AT&T (310410)"), "{result}");
    assert!(result.contains("given back"), "{result}");
}

#[test]
fn json_ends_with_the_scan_object_and_has_all_keys() {
    let output = run("scan --sim --json");
    let objects = objects(&output);
    let kinds: Vec<&str> = objects.iter().map(|object| object["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "carrier").count(), 4);
    assert_eq!((kinds.first(), kinds.last()), (Some(&"state"), Some(&"scan")));
    assert_eq!(objects.first().unwrap()["t_s"], 0.0);
    let scan = objects.last().unwrap().as_object().unwrap();
    let keys = "kind outcome reason holder selected before outage_s budget_s down_s port_free_s search_s link given_back \
                restored operators_listed trials interruptions reopens dropped_lines simulated virtual_s";
    for key in keys.split_whitespace() {
        assert!(scan.contains_key(key), "{key} in {scan:?}");
    }
    assert_eq!(scan.len(), keys.split_whitespace().count());
    let trials = scan["trials"].as_array().unwrap();
    assert_eq!(trials.iter().filter(|trial| trial["outcome"] == "registered").count(), 3);
    assert_eq!(scan["selected"], "310410");
}

#[test]
fn options_override_the_policy_of_a_scenario() {
    let output = run("scan --sim --json -q --quick --carriers 311480,310410 --budget 2m");
    let scan = objects(&output).pop().unwrap();
    assert_eq!((&scan["search_s"], &scan["budget_s"]), (&Value::Null, &Value::from(120.0)));
    assert_eq!(scan["trials"].as_array().unwrap().len(), 2);
}

#[test]
fn a_seed_gives_the_same_scan_twice() {
    let first = run("scan --sim --seed 7 --json");
    assert_eq!(first.stdout, run("scan --sim --seed 7 --json").stdout);
    assert_eq!(objects(&first).pop().unwrap()["simulated"], "seed-7");
}

#[test]
fn wrong_use_exits_with_100_and_a_sentence() {
    for (words, said) in [
        ("", "Usage"),
        ("scan", "--port"),
        ("scan --sim --port /dev/ttyUSB0", "cannot be used with"),
        ("scan --sim --budget 90apples", "wanted a time such as 90s"),
        ("scan --sim --budget 5s", "--budget: found 5 s, wanted more than the 30 s"),
        ("scan --sim --quick --carriers 31041x", "digits only"),
        ("scan --sim --strategy best", "wanted full"),
        ("scan --sim=nosuch", "wanted list or one of field, forbidden"),
        ("man nosuch", "wanted a command"),
        ("nosuch", "unrecognized subcommand"),
    ] {
        let output = run(words);
        assert_eq!(output.status.code(), Some(100), "{words}");
        assert!(text(&output.stderr).contains(said), "{words}: {}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "", "{words}");
    }
    let output = cellscan("scan --sim").env("CELLSCAN_LOG", "loud").output().unwrap();
    assert_eq!(output.status.code(), Some(100));
}

#[test]
fn with_a_missing_port_nothing_is_touched() {
    let output = run("scan --port /dev/nonexistent");
    assert_eq!(output.status.code(), Some(111));
    assert!(text(&output.stderr).contains("fatal: unable to find /dev/nonexistent"));
}

#[test]
fn the_scenarios_are_listed_one_per_line() {
    let output = run("scan --sim=list");
    assert_eq!(output.status.code(), Some(0));
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    assert!(lines.len() >= 8 && lines.len() == BUILTIN.len());
    for (line, builtin) in lines.iter().zip(BUILTIN) {
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some(builtin.name));
        assert_eq!(words.next(), Some(builtin.exit.to_string().as_str()));
        assert!(line.ends_with(builtin.about), "{line}");
    }
}

#[test]
fn without_a_terminal_the_output_is_plain_text() {
    for words in
        ["scan --sim", "scan --sim=port-vanishes", "scan --sim=nosuch", "--help", "scan --sim=stranger"]
    {
        let output = run(words);
        for stream in [&output.stdout, &output.stderr] {
            let control = text(stream).chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(control, None, "{words}");
        }
    }
}

#[test]
fn a_repeated_failure_is_reported_once() {
    let output = run("scan --sim=port-vanishes");
    let missing = text(&output.stderr).matches("no such device").count();
    assert_eq!(missing, 1);
}

#[test]
fn quiet_writes_nothing_to_standard_error_and_help_has_the_exit_codes() {
    assert_eq!(text(&run("scan --sim --quiet").stderr), "");
    let help = run("scan --help");
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).contains("111  system error"));
    assert!(!text(&run("--help").stdout).contains("guard"));
}

#[test]
fn a_log_is_written_on_request() {
    let events = run("scan --sim -vvv");
    assert!(text(&events.stderr).contains("phase Idle -> StopPpp"));
    let decisions = run("scan --sim -v");
    let said = text(&decisions.stderr);
    assert!(said.contains("    0.000 sv ask down ok\n") && !said.contains(" > AT"), "{said}");
    assert!(!said.contains("phase Idle"), "{said}");
}

#[test]
fn each_line_to_and_from_the_modem_is_shown_on_demand_without_identities() {
    let output = run("scan --sim --quiet -vv");
    let said = text(&output.stderr);
    for line in ["> AT+COPS=?", "< OK", "< +COPS: 0,2,\"310410\",7", "sv ask down ok"] {
        assert!(said.lines().any(|shown| shown.ends_with(line)), "{line}: {said}");
    }
    let time = |line: &str| line.split_whitespace().next().and_then(|time| time.parse::<f64>().ok());
    assert!(said.lines().all(|line| time(line).is_some()), "{said}");
}

#[test]
fn a_recording_goes_to_standard_output_on_demand_and_the_result_beside_it() {
    let output = run("scan --sim --quiet --record -");
    assert!(text(&output.stdout).starts_with("# atlog: 1\n"));
    assert!(text(&output.stdout).contains(" > AT+COPS=?\\r\n"));
    assert!(text(&output.stderr).contains("Selected AT&T (310410)"));
    assert_eq!(run("scan --sim --record - --json").status.code(), Some(100));
}

#[test]
fn a_fatal_error_is_an_object_too_where_objects_are_asked_for() {
    for (words, exit) in [
        ("scan --port /dev/nonexistent --json", 111),
        ("scan --port /dev/null --json", 100),
        ("scan --sim=nosuch --json", 100),
        ("scan --nosuch --json", 100),
        ("at /dev/nonexistent AT --json", 100),
        ("replay --json /nonexistent", 111),
    ] {
        let output = run(words);
        assert_eq!(output.status.code(), Some(exit), "{words}");
        let object = objects(&output).pop().unwrap();
        assert_eq!(
            (&object["kind"], &object["exit"]),
            (&Value::from("fatal"), &Value::from(exit)),
            "{words}"
        );
        let message = object["message"].as_str().unwrap();
        assert!(text(&output.stderr).contains(message), "{words}: {message}");
    }
}

#[test]
fn the_selected_carrier_is_marked_and_first_and_no_line_is_wider_than_a_console() {
    for builtin in BUILTIN {
        let output = run(&format!("scan --quiet --sim={}", builtin.name));
        let wide = text(&output.stdout).lines().find(|line| line.chars().count() > 80);
        assert_eq!(wide, None, "{}", builtin.name);
    }
    let result = run("scan --quiet --sim");
    let row = text(&result.stdout).lines().nth(1).unwrap();
    assert!(row.starts_with("* 310410  AT&T") && row.contains("-63"), "{row}");
    let wide = run("scan --quiet --sim --wide");
    assert!(text(&wide.stdout).starts_with("  PLMN    Name      Technologies  Status"));
    let quick = run("scan --quiet --sim=quick");
    assert!(text(&quick.stdout).contains("Selected AT&T (310410)"), "names are remembered");
}

#[test]
fn states_are_true_of_repeated_trials_and_of_links_that_did_not_come_up() {
    let lost = run("scan --sim=port-vanishes");
    let said = text(&lost.stderr);
    assert!(
        said.contains("State 7: 0 of 4 tried, next\nCellular Scan - State 5: trying T-Mobile (310260) again"),
        "{said}"
    );
    let next = run("scan --sim=next-best");
    let said = text(&next.stderr);
    assert!(said.contains("State 10b: no link over AT&T (310410): the service is taken again"), "{said}");
}

#[test]
fn a_broken_pipe_is_success() {
    for words in
        ["scan --sim --json", "scan --sim", "scan --sim=list", "completions bash", "man scan", "--help"]
    {
        let mut child = cellscan(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The reader is gone from here on, whenever the first byte comes.
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{words}");
        assert!(!said.contains("fatal") && !said.contains("panicked"), "{words}: {said}");
    }
}

#[test]
fn completions_and_man_pages_describe_the_command_line() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(text(&run(&format!("completions {shell}")).stdout).contains("register-timeout"), "{shell}");
    }
    assert!(text(&run("man").stdout).contains(".TH cellscan"));
    assert!(text(&run("man scan").stdout).contains("good\\-enough"));
}

#[test]
fn simsv_answers_lines_and_names_bad_ones() {
    let mut child = cellscan("simsv")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let scenario = r#"{"id":"x","service":{"run":null},"stimuli":[],"duration":10}"#;
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), format!("{scenario}\nnonsense\n").as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(100));
    assert_eq!(objects(&output).pop().unwrap()["id"], "x");
    assert!(text(&output.stderr).contains("line 2"));
}
