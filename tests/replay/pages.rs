//! The timeline as a page: whole, harmless, and shown by a browser.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use cellscan::replay::analysis::Analysis;
use cellscan::replay::turns::Shown;
use cellscan::timeline::{Timeline, html, terminal};
use cellscan_tests::support::wait_for;

use super::{file, reference};

/// A browser that starts cold on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// A blank page of this size is a tenth of that.
const PICTURE_LEN_MIN: u64 = 40_000;

fn analysis(log: &[u8]) -> Analysis {
    Analysis::read(log, None, Shown::Redacted, &mut |_| ()).expect("bytes in memory can be read")
}

fn sample() -> Vec<u8> {
    file(&Path::new(env!("CARGO_MANIFEST_DIR")).join("replay/samples/gateway.log"))
}

fn page(log: &[u8]) -> String {
    let analysis = analysis(log);
    html::page("a \"log\" & <more>", &analysis, &analysis.what_ifs()).expect("memory suffices")
}

#[test]
fn a_page_is_self_contained() {
    let page = page(&sample());
    for outside in ["http:", "https:", "src=", "<link", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    for inside in ["search 30 s", "selected 26201", "sv up", "tried before", "what if: full", "late_answer"] {
        assert!(page.contains(inside), "{inside}");
    }
}

#[test]
fn text_of_a_log_is_escaped() {
    let evil = "</title><script>alert(1)</script><img src=x onerror=alert(1)>\" onload=\"alert(1)";
    let log = String::from_utf8(sample()).expect("a sample in UTF-8");
    let page = page(log.replace("Zwei & Co", evil).replace("Z2", evil).as_bytes());
    assert!(page.contains("onerror=alert(1)"), "it is shown");
    for harm in ["<script>alert", "<img", "onload=\"alert", "</title><script"] {
        assert!(!page.contains(harm), "{harm}");
    }
    assert_eq!(page.matches("<script").count(), 1, "ours");
    assert!(
        page.contains("<title>a &#34;log&#34; &#38; &#60;more&#62;"),
        "the name of the log is escaped too"
    );
}

#[test]
fn the_lanes_fit_into_the_width_of_the_terminal() {
    let analysis = analysis(&sample());
    let what_ifs = analysis.what_if(0);
    for columns in [20, 80, 200] {
        let drawn = terminal::draw(&Timeline::new(&analysis.scans[0], &what_ifs), columns);
        let plain = anstream::adapter::strip_str(&drawn).to_string();
        for lane in ["service", "port", "AT", "scan", "registered", "link"] {
            let line = plain.lines().find(|line| line.starts_with(lane)).expect("each lane has a line");
            assert_eq!(line.chars().count(), columns.max(32), "{line}");
        }
        assert!(plain.lines().any(|line| line.starts_with("what if quick")), "{plain}");
    }
}

/// The path of a browser; prints a line where there is none.
fn browser() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found =
        env::split_paths(&path).flat_map(|dir| names.map(|name| dir.join(name))).find(|path| path.is_file());
    if found.is_none() {
        cellscan_tests::support::skipped("no chromium on PATH, the page is not opened");
    }
    found
}

#[test]
fn a_browser_shows_the_page() {
    let Some(browser) = browser() else { return };
    let log = reference().map_or_else(sample, |reference| file(&reference.join("field/scan1.log")));
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (html, picture) = (dir.path().join("page.html"), dir.path().join("page.png"));
    fs::write(&html, page(&log)).expect("it can be written");
    let mut child = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1400,1000"])
        .arg(format!("--user-data-dir={}", dir.path().join("profile").display()))
        .arg(format!("--screenshot={}", picture.display()))
        .arg(&html)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let status = wait_for(PATIENCE, "the browser ends", || child.try_wait().ok().flatten());
    assert!(status.success(), "{status}");
    let len = fs::metadata(&picture).expect("it took a picture").len();
    assert!(len > PICTURE_LEN_MIN, "a picture of {len} bytes shows nothing");
}
