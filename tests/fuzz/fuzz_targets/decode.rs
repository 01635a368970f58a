//! A stream through all of it: the same replies in one read, byte by byte, and in pieces of any size.
#![no_main]

use cellscan_fuzz::replies;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (command, size) = match bytes.first() {
        Some(first) if first % 2 == 0 => (&b"AT+COPS=?"[..], usize::from(*first)),
        Some(first) => (&b"AT+CREG?;+CEREG?"[..], usize::from(*first)),
        None => return,
    };
    let whole = replies(command, bytes, usize::MAX);
    assert_eq!(replies(command, bytes, 1), whole);
    assert_eq!(replies(command, bytes, size), whole);
});
