//! Reads and writes the files of samples.

use std::fs;
use std::path::{Path, PathBuf};

/// One sample.
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) command: Option<String>,
    pub(crate) bytes: Vec<u8>,
    /// The objects, as lines.
    pub(crate) says: Vec<String>,
}

/// A file of them.
pub(crate) struct File {
    path: PathBuf,
    /// The text before the first sample.
    head: String,
    pub(crate) samples: Vec<Sample>,
}

/// All files, by name. Used by the tests and by the fuzz targets, which start from these samples.
pub(crate) fn files() -> Vec<File> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = if here.ends_with("fuzz") { here.parent().expect("it is below the tests") } else { here };
    let directory = tests.join("decode/samples");
    let entries = fs::read_dir(directory).expect("the samples are there");
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.expect("a directory can be read").path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths.into_iter().map(File::read).collect()
}

impl File {
    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).expect("samples are text");
        let mut file = Self { path, head: String::new(), samples: Vec::new() };
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(name) = line.strip_prefix("## ") {
                let name = name.to_owned();
                file.samples.push(Sample { name, command: None, bytes: Vec::new(), says: Vec::new() });
                continue;
            }
            let (kind, rest) = line.split_once(' ').expect("a mark, a blank, and what it marks");
            match (kind, file.samples.last_mut()) {
                ("#", None) => line.clone_into(&mut file.head),
                (">", Some(sample)) => sample.command = Some(rest.to_owned()),
                ("<", Some(sample)) => sample.bytes.extend(unescaped(rest)),
                ("=", Some(sample)) => sample.says.push(rest.to_owned()),
                (other, _) => panic!("{other:?} in {}", file.path.display()),
            }
        }
        file
    }

    pub(crate) fn name(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Rewrites the file, with the objects of the samples.
    pub(crate) fn write(&self) {
        let mut lines = vec![self.head.clone()];
        for Sample { name, command, bytes, says } in &self.samples {
            lines.extend([String::new(), format!("## {name}")]);
            lines.extend(command.iter().map(|command| format!("> {command}")));
            lines.push(format!("< {}", escaped(bytes)));
            lines.extend(says.iter().map(|object| format!("= {object}")));
        }
        lines.push(String::new());
        fs::write(&self.path, lines.join("\n")).expect("samples can be written");
    }
}

/// As Rust escapes bytes, except for quotes, which need no escape here.
fn escaped(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string().replace("\\\"", "\"").replace("\\'", "'")
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next() {
                Some(b'r') => b'\r',
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'0') => 0,
                Some(b'\\') => b'\\',
                Some(b'x') => {
                    let digits: String = rest.by_ref().take(2).map(char::from).collect();
                    u8::from_str_radix(&digits, 16).expect("two hex digits")
                }
                other => panic!("\\{other:?}"),
            },
            byte => byte,
        });
    }
    bytes
}
