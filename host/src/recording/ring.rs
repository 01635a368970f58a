//! The last few recordings: a daemon records each of its scans and keeps what a field engineer may ask for.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The recordings of a daemon.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ring {
    /// Where they are.
    pub dir: PathBuf,
    /// How many there are, at most.
    pub keep: usize,
    /// Identities are kept as they are.
    pub keep_identities: bool,
}

impl Ring {
    /// What the next recording is called: `scan-000001.atlog` and so on, later ones with larger numbers.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn next(&self) -> io::Result<PathBuf> {
        let number = self.known()?.last().map_or(1, |(last, _)| last.saturating_add(1));
        Ok(self.dir.join(format!("scan-{number:06}.atlog")))
    }

    /// Removes the oldest that are more than are kept; other files are left alone. Once a scan has ended, so that a scan that
    /// never began takes no other's place.
    ///
    /// # Errors
    /// The directory cannot be read or written.
    pub fn prune(&self) -> io::Result<()> {
        let known = self.known()?;
        let spare = known.len().saturating_sub(self.keep.max(1));
        known.iter().take(spare).try_for_each(|(_, old)| fs::remove_file(old))
    }

    /// Oldest first.
    fn known(&self) -> io::Result<Vec<(u64, PathBuf)>> {
        let mut known: Vec<(u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            known.extend(number(&path).map(|number| (number, path)));
        }
        known.sort_unstable();
        Ok(known)
    }
}

fn number(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_prefix("scan-")?.strip_suffix(".atlog")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_and_strangers_stay() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("notes.txt"), "x").unwrap();
        let ring = Ring { dir: dir.path().to_owned(), keep: 3, keep_identities: false };
        for _ in 0..5 {
            fs::write(ring.next().unwrap(), "# atlog: 1\n").unwrap();
            ring.prune().unwrap();
        }
        let mut names: Vec<String> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["notes.txt", "scan-000003.atlog", "scan-000004.atlog", "scan-000005.atlog"]);
    }
}
