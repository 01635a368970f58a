//! The last few recordings: a daemon records each of its scans and keeps what a field engineer may ask for.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Extent;

/// The recordings of a daemon.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ring {
    /// Where they are.
    pub dir: PathBuf,
    /// How many there are, at most.
    pub keep: usize,
    /// What is kept of each.
    pub extent: Extent,
}

/// The recordings that are there, with their numbers.
type Known = Vec<(u64, PathBuf)>;

/// Where the next recording goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Next {
    /// The file, which is not there yet.
    pub path: PathBuf,
    /// What has the name of a recording and is none of this ring.
    pub skipped: Vec<PathBuf>,
}

/// The largest number that counts: nine digits, one scan a second for thirty years.
const NUMBER_MAX: u64 = 999_999_999;
/// What has the name of a recording and is none, named at once.
const SKIPPED_MAX: usize = 4;

impl Ring {
    /// What the next recording is called: `scan-000001.atlog` and so on, later ones with larger numbers. What has such a name and is
    /// no file, or a number that none can have, is skipped.
    ///
    /// # Errors
    /// The directory cannot be read, or each of its numbers is taken.
    pub fn next(&self) -> io::Result<Next> {
        let (known, skipped) = self.known()?;
        let first = known.last().map_or(1, |(last, _)| last.saturating_add(1));
        let free = (first..=NUMBER_MAX).map(|number| self.dir.join(format!("scan-{number:06}.atlog")));
        // Behind the last recording there is what is skipped, at most.
        let is_free = |path: &PathBuf| fs::symlink_metadata(path).is_err();
        let path = free.take(skipped.len() + 1).find(is_free);
        let path = path.ok_or_else(|| io::Error::other("there is no number left for a recording"))?;
        let skipped = skipped.into_iter().take(SKIPPED_MAX).collect();
        Ok(Next { path, skipped })
    }

    /// Removes the oldest that are more than are kept; other files are left alone. Once a scan has ended, so that a scan that
    /// never began takes no other's place.
    ///
    /// # Errors
    /// The directory cannot be read, or one of them cannot be removed; the others are all the same.
    pub fn prune(&self) -> io::Result<()> {
        let (known, _) = self.known()?;
        let spare = known.len().saturating_sub(self.keep.max(1));
        let removed: Vec<io::Result<()>> =
            known.iter().take(spare).map(|(_, old)| fs::remove_file(old)).collect();
        removed.into_iter().collect()
    }

    /// Oldest first; beside them what has the name of one and is none.
    fn known(&self) -> io::Result<(Known, Vec<PathBuf>)> {
        let (mut known, mut skipped) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let path = entry.path();
            let Some(number) = number(&path) else { continue };
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            if is_file && number <= NUMBER_MAX {
                known.push((number, path));
            } else {
                skipped.push(path);
            }
        }
        known.sort_unstable();
        skipped.sort_unstable();
        Ok((known, skipped))
    }
}

/// The number in the name of a recording; the largest of all where it has more digits than any.
fn number(path: &Path) -> Option<u64> {
    let digits = path.file_name()?.to_str()?.strip_prefix("scan-")?.strip_suffix(".atlog")?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_and_strangers_stay() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("notes.txt"), "x").unwrap();
        let ring = Ring { dir: dir.path().to_owned(), keep: 3, extent: Extent::default() };
        for _ in 0..5 {
            fs::write(ring.next().unwrap().path, "# atlog: 1\n").unwrap();
            ring.prune().unwrap();
        }
        let mut names: Vec<String> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["notes.txt", "scan-000003.atlog", "scan-000004.atlog", "scan-000005.atlog"]);
    }

    #[test]
    fn a_stray_directory_or_a_number_that_none_can_have_is_skipped_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let ring = Ring { dir: dir.path().to_owned(), keep: 1, extent: Extent::default() };
        let stray = |name: &str| dir.path().join(name);
        fs::create_dir(stray("scan-000002.atlog")).unwrap();
        fs::write(stray("scan-18446744073709551615.atlog"), "x").unwrap();
        fs::write(stray("scan-99999999999999999999999.atlog"), "x").unwrap();
        std::os::unix::fs::symlink("nowhere", stray("scan-000003.atlog")).unwrap();
        let names: Vec<PathBuf> = (0..3)
            .map(|_| {
                let next = ring.next().unwrap();
                assert_eq!(next.skipped.len(), 4, "{next:?}");
                fs::write(&next.path, "# atlog: 1\n").unwrap();
                ring.prune().unwrap();
                next.path
            })
            .collect();
        assert_eq!(names, ["scan-000001.atlog", "scan-000004.atlog", "scan-000005.atlog"].map(stray));
        assert!(stray("scan-000002.atlog").is_dir() && !names[0].exists() && names[2].exists());
    }
}
