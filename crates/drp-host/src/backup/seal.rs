//! The last bytes of a backup: the SHA-256 of all before them, so that a change of any bit is noticed.
//!
//! A compressed stream has bits that mean nothing, which its own checksum cannot miss. The seal is a gzip member
//! without content whose header carries the sum, so tools take the whole for an ordinary gzip file.

use std::io::{self, BufRead, Read, Write};

use sha2::{Digest, Sha256};

const SUM_BYTES: usize = 32;
/// The header of a member with an extra field, in it a subfield `DX` that has the size of a sum.
const HEAD: [u8; 16] = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 36, 0, b'D', b'X', 32, 0];
/// Compressed nothing, its checksum and its size.
const TAIL: [u8; 10] = [3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const SEAL_BYTES: usize = HEAD.len() + SUM_BYTES + TAIL.len();

/// Sums up what is written, to seal it.
pub(super) struct Sealing<W> {
    out: W,
    sum: Sha256,
}

impl<W: Write> Sealing<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, sum: Sha256::new() }
    }

    /// Writes the seal, and all that is buffered.
    pub(super) fn seal(self) -> io::Result<()> {
        let Self { mut out, sum } = self;
        out.write_all(&seal_of(sum))?;
        out.flush()
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.sum.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Sums up what is taken from a reader, to compare it with the seal behind it.
pub(super) struct Sealed<R> {
    reader: R,
    sum: Sha256,
}

impl<R: BufRead> Sealed<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, sum: Sha256::new() }
    }

    /// Whether the seal of all that was taken comes next, and then nothing.
    pub(super) fn holds(self) -> io::Result<bool> {
        let Self { mut reader, sum } = self;
        let mut rest = Vec::new();
        reader.by_ref().take(SEAL_BYTES as u64 + 1).read_to_end(&mut rest)?;
        Ok(rest == seal_of(sum))
    }
}

impl<R: BufRead> Read for Sealed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Sealed<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        // What is consumed is in the buffer, so nothing is read here and nothing can fail.
        if let Ok(buffer) = self.reader.fill_buf() {
            self.sum.update(buffer.get(..bytes).unwrap_or_default());
        }
        self.reader.consume(bytes);
    }
}

fn seal_of(sum: Sha256) -> [u8; SEAL_BYTES] {
    let mut seal = [0; SEAL_BYTES];
    let parts = HEAD.into_iter().chain(sum.finalize()).chain(TAIL);
    seal.iter_mut().zip(parts).for_each(|(place, byte)| *place = byte);
    seal
}
