//! The last few recordings: for a daemon that records each of its scans and keeps what a field engineer may ask for.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Begins the next recording in `dir` and removes the oldest, so that `keep` are there at most, this one included.
/// They are called `scan-000001.atlog` and so on; other files are left alone.
///
/// # Errors
/// The directory cannot be read or written.
pub fn next(dir: &Path, keep: usize) -> io::Result<(PathBuf, File)> {
    let mut known: Vec<(u64, PathBuf)> = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let number = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_prefix("scan-")?.strip_suffix(".atlog")?.parse().ok());
        known.extend(number.map(|number| (number, path)));
    }
    known.sort_unstable();
    let number = known.last().map_or(1, |(last, _)| last.saturating_add(1));
    let path = dir.join(format!("scan-{number:06}.atlog"));
    let file = File::options().write(true).create_new(true).open(&path)?;
    let spare = (known.len() + 1).saturating_sub(keep.max(1));
    for (_, old) in known.iter().take(spare) {
        fs::remove_file(old)?;
    }
    Ok((path, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_and_strangers_stay() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("notes.txt"), "x").unwrap();
        for _ in 0..5 {
            next(dir.path(), 3).unwrap();
        }
        let mut names: Vec<String> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["notes.txt", "scan-000003.atlog", "scan-000004.atlog", "scan-000005.atlog"]);
    }
}
