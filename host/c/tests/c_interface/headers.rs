//! The headers agree with the source, and compile as C and C++.

use std::fs;
use std::path::{Path, PathBuf};

use cbindgen::{Builder, Config};

use super::compile::{Language, Library, Program, compile_alone, done, scratch};
use super::root;

/// A header, and its source files, in a directory of the workspace.
struct Header {
    directory: &'static str,
    name: &'static str,
    sources: &'static [&'static str],
}

const HEADERS: [Header; 2] = [
    Header {
        directory: "core/c",
        name: "cellscan.h",
        sources: &["code.rs", "event.rs", "ops.rs", "policy.rs", "report.rs", "request.rs", "border.rs"],
    },
    Header { directory: "host/c", name: "cellscan_gateway.h", sources: &["config.rs", "border.rs"] },
];

impl Header {
    fn path(&self) -> PathBuf {
        root().join(self.directory).join("include").join(self.name)
    }

    /// The header from the present source.
    fn generated(&self) -> String {
        let directory = root().join(self.directory);
        let config = Config::from_file(directory.join("cbindgen.toml")).expect("a configuration of cbindgen");
        let sources = self.sources.iter().map(|name| directory.join("src").join(name));
        let builder = sources.fold(Builder::new().with_config(config), Builder::with_src);
        let mut made = Vec::new();
        builder.generate().expect("the source can be read").write(&mut made);
        // A link in rustdoc is a plain word here.
        String::from_utf8(made).expect("UTF-8").replace('`', "")
    }
}

#[test]
fn the_committed_headers_agree_with_the_source() {
    let mut stale = Vec::new();
    for header in HEADERS {
        let (path, made) = (header.path(), header.generated());
        if fs::read_to_string(&path).unwrap_or_default() != made {
            // In the target directory, ready to be copied.
            let generated = Path::new(env!("CARGO_TARGET_TMPDIR")).join(header.name);
            fs::write(&generated, made).expect("the target directory can be written to");
            stale.push(format!("cp {} {}", generated.display(), path.display()));
        }
    }
    assert!(stale.is_empty(), "review the changes, and then:\n{}", stale.join("\n"));
}

#[test]
fn the_headers_compile_by_themselves_as_c11_and_as_cpp17() {
    for header in HEADERS {
        for language in [Language::C11, Language::Cpp17] {
            compile_alone(&format!("#include <{}>\n", header.name), language);
        }
    }
}

/// The text of each fenced block in this language.
fn fenced<'a>(text: &'a str, language: &'a str) -> impl Iterator<Item = &'a str> {
    let fence = format!("```{language}\n");
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.split_once(&fence)?.1;
        let (block, behind) = rest.split_once("```")?;
        rest = behind;
        Some(block)
    })
}

#[test]
fn the_code_in_the_readme_compiles_and_links() {
    let readme = fs::read_to_string(root().join("host/c/README.md")).expect("a README");
    let mut blocks = 0;
    for block in fenced(&readme, "c") {
        blocks += 1;
        let source = scratch("readme.c");
        let main = "int main(int argc, char **argv) { return argc > 1 ? scan_carriers(argv[1]) : 0; }";
        fs::write(
            &source,
            format!("{block}\n{main}\n").replacen("int scan_carriers", "static int scan_carriers", 1),
        )
        .expect("the target directory can be written to");
        for library in [Library::Static, Library::Shared] {
            let program = Program::new(&source, library);
            assert_eq!(done(&mut program.command()), "", "it starts, and has nothing to do");
        }
        fs::remove_file(source).expect("it was made above");
    }
    assert_eq!(blocks, 1, "the README of host/c has one block of C");
}
