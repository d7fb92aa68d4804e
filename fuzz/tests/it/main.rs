//! Every target on its corpus, and on what comes of the corpus by cutting and changing bytes.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::path::Path;

use fuzz::{TARGETS, Target};

/// Inputs made of one of the corpus.
const CHANGED: usize = 200;

fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    let mut files: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no corpus in {}", directory.display());
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Numbers that look random and are the same in every run, so that a failure can be repeated.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }
}

fn changed(input: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len() + 1);
        match numbers.below(4) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, u8::try_from(numbers.below(256)).unwrap()),
            2 if at < bytes.len() => bytes[at] = u8::try_from(numbers.below(256)).unwrap(),
            // A piece once more: nesting and repeated keys.
            _ => {
                let piece = bytes[at.min(bytes.len())..].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}

#[test]
fn no_target_falls_over_its_corpus_or_anything_near_it() {
    for target in TARGETS {
        let mut numbers = Numbers(1);
        for input in corpus(target) {
            let changed = (0..CHANGED).map(|_| changed(&input, &mut numbers));
            for input in std::iter::once(input.clone()).chain(changed) {
                // Shown only where the next line panics.
                println!("{}: {:?}", target.name, input.escape_ascii().to_string());
                (target.run)(&input);
            }
        }
    }
}
