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
fn findings_come_first_and_those_outside_of_scans_too() {
    let kill = |second: u32| {
        format!(
            "[1700000000.000] [00:00:{second:02}.000] [Cellular Connection - Killing runsv pppd (PID: 7)]\n"
        )
    };
    let battle: String = [1, 4, 7].map(kill).concat();
    let page = page(battle.as_bytes());
    assert!(
        page.contains("A fight with the supervisor") && page.contains("There is no scan in this log."),
        "{page}"
    );
    let with_scan = self::page(&sample());
    let (problems, scan) = (with_scan.find("id=\"problems\""), with_scan.find("id=\"scan1\""));
    assert!(problems.is_some() && problems < scan);
    assert!(with_scan.contains("An answer went to the wrong command"), "words for people");
    for part in ["<details>", "class=\"legend\"", "<th scope=\"col\">signal</th>", " dBm</td>"] {
        assert!(with_scan.contains(part), "{part}");
    }
}

/// The value of a colour in a scheme, as three numbers.
fn colour(scheme: &str, name: &str) -> [u8; 3] {
    let (_, rest) = scheme.split_once(&format!("--{name}: #")).unwrap_or_else(|| panic!("{name}: {scheme}"));
    [0, 2, 4].map(|at| u8::from_str_radix(&rest[at..at + 2], 16).expect("six digits"))
}

/// The contrast of two colours (WCAG 2.2, "contrast ratio").
fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let luminance = |colour: [u8; 3]| {
        let part = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = colour.map(part);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn every_text_of_the_page_has_enough_contrast_in_both_schemes() {
    let page = page(&sample());
    let (_, light) = page.split_once(":root {").expect("a scheme");
    let (light, rest) = light.split_once("prefers-color-scheme: dark").expect("a dark one");
    let dark = rest.split_once("* {").expect("the rules").0;
    let words = ["good", "bad", "doubtful"];
    let bars = ["good", "bad", "doubtful", "away", "search", "scan"];
    for scheme in [light, dark] {
        let texts =
            ["fg", "dim", "link"].iter().chain(&words).flat_map(|text| [(*text, "bg"), (*text, "card")]);
        for (text, below) in texts.chain(bars.map(|bar| ("on", bar))) {
            let ratio = contrast(colour(scheme, text), colour(scheme, below));
            assert!(ratio >= 4.5, "{text} on {below}: {ratio:.2}");
        }
    }
    assert!((contrast([0; 3], [255; 3]) - 21.0).abs() < 0.01);
}

#[test]
fn the_page_needs_no_sideways_scrolling_at_360_pixels() {
    let Some(browser) = browser() else { return };
    let dir = tempfile::tempdir().expect("a temporary directory");
    let tells = "<script>const root = document.documentElement;\
                 parent.postMessage(root.scrollWidth <= root.clientWidth, '*')</script></body>";
    let inner = page(&sample()).replace("</body>", tells);
    fs::write(dir.path().join("inner.html"), inner).expect("it can be written");
    let outer = "<body><iframe src=inner.html width=360 height=800 style='border:0'></iframe><script>\
                 onmessage = event => document.body.append('fits=' + event.data)</script></body>";
    let html = dir.path().join("outer.html");
    fs::write(&html, outer).expect("it can be written");
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", dir.path().join("profile").display()))
        .arg(&html)
        .stderr(Stdio::null())
        .output()
        .expect("it starts");
    let dom = String::from_utf8_lossy(&output.stdout);
    assert!(dom.contains("fits=true"), "{dom}");
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
