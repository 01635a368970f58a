//! Lists: the same in one read and byte by byte, and no more operators than have room.
#![no_main]

use cellscan_fuzz::operators;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let whole = operators(bytes, usize::MAX);
    assert_eq!(operators(bytes, 1), whole);
    // `(0,x,,)` is the shortest.
    assert!(whole.1 <= bytes.len() / 7);
});
