//! Shared code of the fuzz targets: bytes through the layers of the core, in one read or in many, without an allocation.

use std::hash::{DefaultHasher, Hash, Hasher};

use cellscan_core::at::decode::Decoder;
use cellscan_core::at::line::{LINE_LEN_MAX, Line, Lines, Part};
use cellscan_core::at::operators::ListReader;

/// Calls `take` with each line of `bytes`, which come in pieces of `size`.
pub fn each_line(bytes: &[u8], size: usize, mut take: impl FnMut(Line<'_>)) {
    let mut lines = Lines::new();
    for mut piece in bytes.chunks(size.max(1)).chain([&b"\n"[..]]) {
        while let Some(line) = lines.next(&mut piece) {
            take(line);
        }
    }
}

/// A hash of the lines.
pub fn lines(bytes: &[u8], size: usize) -> u64 {
    let (mut hasher, mut last) = (DefaultHasher::new(), Part::Whole);
    each_line(bytes, size, |line| {
        let ends = line.bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n'));
        assert!(!ends && line.bytes.len() <= LINE_LEN_MAX);
        let begun = matches!(last, Part::First | Part::Middle);
        assert_eq!(
            begun,
            matches!(line.part, Part::Middle | Part::Last),
            "{last:?} and then {:?}",
            line.part
        );
        last = line.part;
        line.hash(&mut hasher);
    });
    hasher.finish()
}

/// A hash of the operators of a list, and their number.
pub fn operators(bytes: &[u8], size: usize) -> (u64, usize) {
    let (mut reader, mut hasher, mut count) = (ListReader::new(), DefaultHasher::new(), 0);
    each_line(bytes, size, |line| {
        reader.take(line, true, |operator| {
            count += 1;
            operator.hash(&mut hasher);
            for text in [operator.long, operator.short] {
                text.chars().for_each(|character| character.hash(&mut hasher));
            }
            operator.name().hash(&mut hasher);
        });
    });
    reader
        .end(|operator| {
            count += 1;
            operator.hash(&mut hasher);
        })
        .hash(&mut hasher);
    (hasher.finish(), count)
}

/// A hash of the replies.
pub fn replies(command: &[u8], bytes: &[u8], size: usize) -> u64 {
    let (mut decoder, mut hasher) = (Decoder::new(), DefaultHasher::new());
    decoder.ask(command);
    each_line(bytes, size, |line| decoder.line(line, &mut |reply| reply.hash(&mut hasher)));
    decoder.end(&mut |reply| reply.hash(&mut hasher));
    hasher.finish()
}
