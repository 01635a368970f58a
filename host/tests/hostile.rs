//! Logs with hostile text, in files with hostile names: no text acts on a terminal, in a page or in a spreadsheet.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails loudly")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cellscan::report::clean::is_unsafe;

/// A hostile operator's name: an escape sequence in both forms, a character that changes the direction of text, markup, a formula.
const NAME: &str = "=1+1\x1b[2J\u{9b}31m\u{202e}</script><script>alert(1)</script>";
/// File names that a spreadsheet, a terminal or a reader of lines would misinterpret.
const FILES: [&[u8]; 7] = [
    b"=HYPERLINK(\"http:x\",\"y\").log",
    b"+1.log",
    b"-2+3.log",
    b"@sum.log",
    b"a\n=1+1,\"b\".log",
    b"\x1b[2J\xc2\x9b31m\xe2\x80\xae.log",
    b"\xff;=1.log",
];

fn replay<I: AsRef<OsStr>>(words: impl IntoIterator<Item = I>) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_cellscan")).arg("replay").args(words).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The log of a gateway, with that name.
fn log() -> String {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/replay/samples/gateway.log");
    let log = fs::read_to_string(sample).unwrap();
    assert!(log.contains("Zwei & Co"), "the sample has the name that is replaced");
    log.replace("Zwei & Co", NAME)
}

fn place(dir: &Path, name: &[u8]) -> PathBuf {
    let path = dir.join(OsStr::from_bytes(name));
    fs::write(&path, log()).unwrap();
    path
}

#[track_caller]
fn must_be_harmless(what: &str, bytes: &[u8]) {
    let said = str::from_utf8(bytes).unwrap();
    let found = said.chars().find(|c| is_unsafe(*c) && *c != '\n');
    assert_eq!(found, None, "{what}: {}", said.escape_debug());
}

#[test]
fn a_replayed_log_cannot_control_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    for name in FILES {
        let path = place(dir.path(), name);
        for options in [&[][..], &["--json"], &["--dialogue"], &["--timeline"]] {
            let output = replay(options.iter().map(OsStr::new).chain([path.as_os_str()]));
            let what = format!("{options:?} {}", name.escape_ascii());
            must_be_harmless(&what, &output.stdout);
            must_be_harmless(&what, &output.stderr);
        }
    }
    let shown = String::from_utf8(replay([dir.path()]).stdout).unwrap();
    must_be_harmless("a directory", shown.as_bytes());
    assert!(shown.contains("=1+1?[2J?31m?</script>"), "the name is shown: {shown}");
}

#[test]
fn a_page_of_a_log_holds_no_markup_of_the_log_or_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = place(dir.path(), b"<script>alert(2)<|script>\"onload=\"alert(3).log");
    let page = dir.path().join("page.html");
    replay([OsStr::new("--html"), page.as_os_str(), path.as_os_str()]);
    let page = fs::read_to_string(page).unwrap();
    assert_eq!(page.matches("<script").count(), 1, "ours");
    assert!(!page.contains("</script><script") && !page.contains("\"onload=\""));
    assert!(page.contains("alert(1)") && page.contains("alert(2)"), "both are shown");
}

/// The values of a table with quotes, by its rows.
fn values(table: &str) -> Vec<Vec<String>> {
    let row = |line: &str| {
        let (mut values, mut inside) = (vec![String::new()], false);
        for character in line.chars() {
            match character {
                '"' => inside = !inside,
                ',' if !inside => values.push(String::new()),
                other => values.last_mut().unwrap().push(other),
            }
        }
        values
    };
    table.lines().map(row).collect()
}

#[test]
fn a_table_of_logs_holds_no_formula_and_one_row_per_scan() {
    let dir = tempfile::tempdir().unwrap();
    let logs: Vec<PathBuf> = FILES.iter().map(|name| place(dir.path(), name)).collect();
    let table = dir.path().join("table.csv");
    replay(
        [OsStr::new("--csv"), table.as_os_str()].into_iter().chain(logs.iter().map(|log| log.as_os_str())),
    );
    let table = fs::read(&table).unwrap();
    must_be_harmless("the table", &table);
    let table = String::from_utf8(table).unwrap();
    let rows = values(&table);
    assert_eq!(rows.len(), 1 + FILES.len(), "{table}");
    for row in &rows {
        assert_eq!(row.len(), rows[0].len(), "{table}");
        for value in row {
            let formula = value.starts_with(['=', '+', '@', '\t', '\r'])
                || value.starts_with('-') && value.parse::<f64>().is_err();
            assert!(!formula, "{value}");
        }
    }
    let other_separators = table.lines().flat_map(|line| line.split('"').step_by(2));
    assert!(other_separators.into_iter().all(|outside| !outside.contains(';')), "{table}");
}
