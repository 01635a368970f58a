//! A reference collection of replies, where it is beside the project: `$CELLSCAN_REFERENCE`, or `../shared`.

use std::path::{Path, PathBuf};
use std::process::Command;

use cellscan_tests::support::{binaries, skipped};

/// Right answers in per cent, over all classes together; all operator lists must be right.
const RIGHT_PERCENT_MIN: u32 = 97;

fn reference() -> Option<PathBuf> {
    let told = std::env::var_os("CELLSCAN_REFERENCE").map(PathBuf::from);
    let beside =
        || Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map(|parent| parent.join("shared"));
    told.or_else(beside).filter(|found| found.join("judges/decode.py").is_file())
}

#[test]
fn the_collected_replies_are_read_right() {
    let Some(reference) = reference() else {
        skipped("there is no judges/decode.py in $CELLSCAN_REFERENCE or ../shared");
        return;
    };
    let judge = Command::new("python3")
        .arg(reference.join("judges/decode.py"))
        .arg(binaries::cellscan().get_program())
        .arg(reference.join("replies"))
        .output();
    let Ok(output) = judge else {
        skipped("there is no python3");
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout);
    // `class right/total · …`
    let classes: Vec<(&str, u32, u32)> = said
        .trim()
        .split(" · ")
        .filter_map(|class| {
            let (name, count) = class.split_once(' ')?;
            let (right, total) = count.split_once('/')?;
            Some((name, right.parse().ok()?, total.parse().ok()?))
        })
        .collect();
    let (right, total) =
        classes.iter().fold((0, 0), |(right, total), class| (right + class.1, total + class.2));
    assert!(total > 0 && right * 100 >= total * RIGHT_PERCENT_MIN, "{said}");
    assert!(classes.iter().any(|(name, right, total)| *name == "cops_list" && right == total), "{said}");
}
