//! `replay` and `scan --record` from outside.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails loudly")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn cellscan(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cellscan")).args(words).output().unwrap()
}

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/replay/samples")
}

fn objects(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

#[test]
fn one_log_is_reported_completely() {
    let path = samples().join("gateway.log");
    let output = cellscan(&["replay", "--json", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    let objects = objects(&output);
    assert_eq!(of_kind(&objects, "log")[0]["unread_lines"], serde_json::json!([16]));
    assert_eq!(of_kind(&objects, "turn").len(), 9);
    let scan = of_kind(&objects, "scan")[0];
    assert_eq!((&scan["selected"], &scan["outage_s"]), (&Value::from("26201"), &Value::from(63.9)));
    let what_ifs = of_kind(&objects, "what_if");
    assert_eq!(
        what_ifs.iter().map(|row| &row["strategy"]).collect::<Vec<_>>(),
        ["full", "good_enough", "adaptive", "quick"]
    );
    for what_if in what_ifs {
        let limit = what_if["limit_s"].as_f64().unwrap();
        let parts: f64 =
            what_if["limit"].as_object().unwrap().values().map(|part| part.as_f64().unwrap()).sum();
        assert!((limit - parts).abs() < 1e-6 && what_if["given_back"] == true, "{what_if}");
    }
    assert!(of_kind(&objects, "finding").iter().any(|finding| finding["finding"] == "late_answer"));
}

#[test]
fn a_directory_is_reported_with_a_summary_and_a_table() {
    let dir = tempfile::tempdir().unwrap();
    let csv = dir.path().join("scans.csv");
    let output = cellscan(&["replay", "--json", "--csv", csv.to_str().unwrap(), samples().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    let objects = objects(&output);
    let (logs, summary) = (of_kind(&objects, "log"), of_kind(&objects, "summary"));
    assert_eq!((logs.len(), summary.len()), (fs::read_dir(samples()).unwrap().count(), 1));
    assert!(logs.is_sorted_by_key(|log| log["source"].as_str().unwrap()), "in their order");
    assert!(of_kind(&objects, "turn").is_empty());
    assert_eq!(summary[0]["scans"], 1);
    let table = fs::read_to_string(csv).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().map(|row| row.split(',').collect()).collect();
    assert_eq!((rows.len(), rows[0].len()), (2, rows[1].len()), "{table}");
    assert_eq!(rows[1][0], "gateway.log");
}

#[test]
fn a_simulated_scan_is_recorded_and_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let (path, page) = (dir.path().join("scan.atlog"), dir.path().join("scan.html"));
    let record = ["scan", "--sim", "--quiet", "--record", path.to_str().unwrap()];
    assert_eq!(cellscan(&record).status.code(), Some(0));
    let again = cellscan(&record);
    assert_eq!(again.status.code(), Some(100), "a recording is not overwritten");
    let output = cellscan(&["replay", "--html", page.to_str().unwrap(), path.to_str().unwrap()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("replayed: the same decisions") && text.contains("selected 310410"), "{text}");
    assert!(fs::read_to_string(page).unwrap().contains("search 59.5 s"));
    let mut piped = Command::new(env!("CARGO_BIN_EXE_cellscan"));
    piped.args(["replay", "-"]).stdin(fs::File::open(&path).unwrap());
    let piped = String::from_utf8(piped.output().unwrap().stdout).unwrap();
    assert!(piped.contains("replayed: the same decisions"), "from standard input too: {piped}");
}

#[test]
fn a_recording_of_another_dialogue_is_said_to_be_one_where_it_differs() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("scan.atlog");
    let path = path.to_str().unwrap();
    assert_eq!(cellscan(&["scan", "--sim", "--quiet", "--record", path]).status.code(), Some(0));
    let recorded = fs::read_to_string(path).unwrap();
    assert!(recorded.contains("# dialogue: 3\n"), "{recorded}");
    // As before versions were counted.
    let earlier = recorded.replace("# dialogue: 3\n", "").replace("AT+CMEE=1", "AT+CMEE=2");
    fs::write(path, earlier).unwrap();
    let text = String::from_utf8(cellscan(&["replay", path]).stdout).unwrap();
    assert!(text.contains("recorded with dialogue 1, and this program has 3"), "{text}");
    let json = String::from_utf8(cellscan(&["replay", "--json", path]).stdout).unwrap();
    assert!(json.contains(r#""same":false"#) && json.contains(r#""dialogue":"1""#), "{json}");
}

#[test]
fn wrong_use_and_missing_logs_have_their_exit_codes() {
    let path = samples().join("chat.log");
    let path = path.to_str().unwrap();
    assert_eq!(cellscan(&["replay", "--format", "nosuch", path]).status.code(), Some(100));
    assert_eq!(cellscan(&["replay", "--html", "x.html", path, path]).status.code(), Some(100));
    assert_eq!(cellscan(&["replay", "nosuch.log"]).status.code(), Some(111));
    let some = cellscan(&["replay", "--json", "nosuch.log", path]);
    assert_eq!(some.status.code(), Some(0), "the other logs are reported");
    assert_eq!(of_kind(&objects(&some), "summary")[0]["logs_failed"].as_array().unwrap().len(), 1);
}

#[test]
fn a_log_of_no_known_format_is_said_to_be_one_and_has_an_exit_code() {
    let path = samples().join("unknown.log");
    let path = path.to_str().unwrap();
    let output = cellscan(&["replay", "--json", path]);
    assert_eq!(output.status.code(), Some(1));
    let objects = objects(&output);
    let log = of_kind(&objects, "log")[0];
    assert_eq!((&log["format"], &log["other"]), (&Value::from("unknown"), &Value::from(3)));
    assert_eq!(log["not_understood"].as_array().unwrap().len(), 3);
    assert!(log["formats"].as_array().unwrap().contains(&Value::from("learned")));
    let text = String::from_utf8(cellscan(&["replay", path]).stdout).unwrap();
    assert!(text.contains("format: unknown") && text.contains("the service starts"), "{text}");
    assert!(text.contains("modem_manager, chat") && !text.contains("9876543210"), "{text}");

    let known = samples().join("chat.log");
    let both = cellscan(&["replay", "--json", path, known.to_str().unwrap()]);
    assert_eq!(both.status.code(), Some(0), "one of them was understood");
    assert_eq!(of_kind(&self::objects(&both), "summary")[0]["logs_unknown"], 1);
    assert_eq!(cellscan(&["replay", path, path]).status.code(), Some(1));
    assert_eq!(cellscan(&["replay", "--format", "chat", path]).status.code(), Some(0), "it was named");
}

#[test]
fn secrets_of_a_raw_log_are_shown_on_request_only() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("raw.atlog");
    let turns = [
        ("AT+CMEE=1;+CPIN=\"2468\"", "OK"),
        ("AT+CGAUTH=1,1,joe,s3cret", "OK"),
        ("AT+CCID", "+CCID: 8931681012345678AF9F\\r\\n\\r\\nOK"),
        ("AT+CMGR=1", "+CMGR: 1,\"+4915112345678\"\\r\\nmeet joe\\r\\n\\r\\nOK"),
        ("AT+COPS=?", "+COPS: (2,\"A\",\"A\",\"310410\",7)\\r\\n\\r\\nOK"),
    ];
    let lines = turns
        .iter()
        .enumerate()
        .map(|(at, (command, answer))| format!("{at}.100 > {command}\\r\n{at}.200 < \\r\\n{answer}\\r\\n\n"));
    let begin = "# atlog: 1\n0.000 scan request 1 manual\n".to_owned();
    let text: Vec<String> =
        [begin].into_iter().chain(lines).chain(["9.000 scan state 0 idle\n".to_owned()]).collect();
    fs::write(&log, text.concat()).unwrap();
    let (log, page) = (log.to_str().unwrap(), dir.path().join("page.html"));
    let shown = |more: &[&str]| {
        let words = [&["replay", "--dialogue", "--html", page.to_str().unwrap(), log], more].concat();
        let output = cellscan(&words);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap() + &fs::read_to_string(&page).unwrap()
    };
    let secrets = ["2468", "joe", "s3cret", "68101", "AF9F", "15112"];
    for form in [&["--json"][..], &[]] {
        let redacted = shown(form);
        for secret in secrets {
            assert!(!redacted.contains(secret), "{secret} is in {redacted}");
        }
        assert!(redacted.contains("310410") && redacted.contains("+CPIN="), "{redacted}");
        let whole = shown(&[form, &["--keep-identities"]].concat());
        assert!(secrets.iter().all(|secret| whole.contains(secret)), "{whole}");
    }
}
