//! Small programs in C, each checked by itself and by valgrind.

use std::path::PathBuf;

use super::compile::{Library, Program, done};
use super::root;

fn beside(name: &str) -> PathBuf {
    root().join("host/c/tests/c_interface").join(name)
}

#[test]
fn the_state_machine_over_callbacks_scans_with_every_library() {
    for library in [Library::Static, Library::Shared, Library::Firmware] {
        let program = Program::new(&beside("machine.c"), library);
        let said = done(&mut program.under_valgrind());
        assert!(said.ends_with("done\n"), "{library:?}: {said}");
        println!("{library:?}: {said}");
        program.must_have_been_clean();
    }
}

#[test]
fn wrong_use_returns_a_code() {
    let program = Program::new(&beside("misuse.c"), Library::Shared);
    let said = done(&mut program.under_valgrind());
    assert_eq!(said, "done\n");
    program.must_have_been_clean();
}
