//! Writes the fuzzer's seeds: the bytes of every sample, to the corpus of every target.

#[expect(dead_code, reason = "the tests need all of it")]
#[path = "../../decode/samples.rs"]
mod samples;

use std::path::Path;

fn main() {
    for target in ["lines", "operators", "replies", "decode", "dialogue", "redact"] {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        std::fs::create_dir_all(&corpus).expect("the corpus can be written");
        for file in samples::files() {
            for (number, sample) in file.samples.iter().enumerate() {
                let name = format!("{}-{number}", file.name());
                // The first byte of a dialogue selects the command; in other targets it does no harm.
                let command = u8::try_from(number).unwrap_or_default();
                let bytes = [&[command], &sample.bytes[..]].concat();
                std::fs::write(corpus.join(name), bytes).expect("the corpus can be written");
            }
        }
    }
}
