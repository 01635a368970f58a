//! Bytes → lines: the same however they were cut.
#![no_main]

use cellscan_fuzz::lines;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let size = bytes.first().copied().map_or(1, usize::from);
    let whole = lines(bytes, usize::MAX);
    assert_eq!(lines(bytes, 1), whole);
    assert_eq!(lines(bytes, size), whole);
});
