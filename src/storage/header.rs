//! The beginning of a file: what kind it is, the version of the format and, for a log, how much of
//! it is known to be on disk.
//!
//! | bytes | |
//! | --- | --- |
//! | 0..8 | the kind of file |
//! | 8..12 | the version of the format |
//! | 12..20 | checksum of bytes 0 to 12 |
//! | 4096..4140, 8192..8236 | a log's checkpoints, written alternately |
//! | 12288.. | a log's records |
//!
//! A checkpoint (a mark, in errors) has 8 bytes that count checkpoints, 8 for
//! the end of what is known to be on disk, 16 for the boot in which it was written (Linux's boot
//! id), 4 that are 1 if the log was closed cleanly, and a checksum of these. Each checkpoint is in
//! a block of its own, so a torn write damages only one of them.

use std::path::Path;

use super::{
    file::File,
    record::{checksum, u64_at},
};
use crate::error::{Error, Result};

pub const LOG: &[u8; 8] = b"VECLOG\r\n";
pub const BACKUP: &[u8; 8] = b"VECBAK\r\n";
pub const GRAPH: &[u8; 8] = b"VECGRF\r\n";
pub const KEYS: &[u8; 8] = b"VECKEY\r\n";
pub const KEYRING: &[u8; 8] = b"VECRNG\r\n";
pub const EXPORTED: &[u8; 8] = b"VECEXP\r\n";
pub const PENDING: &[u8; 8] = b"VECPND\r\n";
/// Versions 1 and 2, which no release used, had records that were not sealed, and one part for each
/// entry.
pub const VERSION: u32 = 3;
/// The size of the part that all files have in common.
pub const PREAMBLE: usize = 20;
/// Where a log's records begin. Those of a backup, which has no checkpoints, begin after its
/// keyring.
pub const RECORDS: u64 = 3 * BLOCK;
const BLOCK: u64 = 4096;
const CHECKPOINT: usize = 44;

/// How much of a log is known to be on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// One more than the previous checkpoint's.
    pub turn: u64,
    pub end: u64,
    /// Whether the log was closed cleanly, with nothing written after the checkpoint.
    pub clean: bool,
}

/// A checkpoint as read from a file.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    pub checkpoint: Checkpoint,
    /// Whether the system has been running since: there was no power failure, and everything
    /// written is there.
    pub same_boot: bool,
}

pub fn preamble(kind: &[u8; 8]) -> [u8; PREAMBLE] {
    let mut bytes = [0; PREAMBLE];
    bytes[..8].copy_from_slice(kind);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    let sum = checksum(&bytes[..12]);
    bytes[12..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// Checks that a file begins with the preamble of `kind`; the error says why it does not.
pub fn check_preamble(bytes: &[u8; PREAMBLE], kind: &[u8; 8]) -> std::result::Result<(), String> {
    if bytes == &preamble(kind) {
        return Ok(());
    }
    let sum = checksum(&bytes[..12]).to_le_bytes();
    if !bytes.starts_with(kind) || bytes[12..] != sum {
        return Err("its beginning is damaged".into());
    }
    let version = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
    Err(format!(
        "it is of format version {version}, and this version of the library reads version \
         {VERSION}: use the version that wrote it"
    ))
}

/// Checks the beginning of a file, which must have at least `min` bytes, and returns its size.
pub fn check_file(file: &File, kind: &[u8; 8], min: u64) -> Result<u64> {
    let size = file.size()?;
    if size < min {
        return Err(damaged(&file.path(), "it is too short"));
    }
    let mut found = [0; PREAMBLE];
    file.read_at(0, &mut found)?;
    check_preamble(&found, kind).map_err(|why| damaged(&file.path(), &why))?;
    Ok(size)
}

impl Checkpoint {
    fn encode(&self, boot_id: u128) -> [u8; CHECKPOINT] {
        let mut bytes = [0; CHECKPOINT];
        bytes[..8].copy_from_slice(&self.turn.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.end.to_le_bytes());
        bytes[16..32].copy_from_slice(&boot_id.to_le_bytes());
        bytes[32] = u8::from(self.clean);
        let sum = checksum(&bytes[..CHECKPOINT - 8]);
        bytes[CHECKPOINT - 8..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; CHECKPOINT], boot_id: u128) -> Option<Found> {
        let (body, sum) = bytes.split_at(CHECKPOINT - 8);
        if checksum(body).to_le_bytes() != sum {
            return None;
        }
        let written_in = u128::from(u64_at(body, 16)) | u128::from(u64_at(body, 24)) << 64;
        Some(Found {
            checkpoint: Checkpoint {
                // Counted one by one, so the end of the range is never reached.
                turn: Some(u64_at(body, 0)).filter(|&turn| turn < u64::MAX / 2)?,
                end: u64_at(body, 8),
                clean: body[32] == 1,
            },
            same_boot: written_in == boot_id && written_in != 0,
        })
    }

    /// Writes the checkpoint over the older of the two.
    pub fn write(&self, file: &File) -> Result<()> {
        file.write_at(BLOCK * (1 + self.turn % 2), &self.encode(file.boot_id()))
    }

    /// The newest valid checkpoint.
    pub fn read(file: &File) -> Result<Found> {
        let mut last: Option<Found> = None;
        for block in [1, 2] {
            let mut bytes = [0; CHECKPOINT];
            file.read_at(BLOCK * block, &mut bytes)?;
            if let Some(found) = Checkpoint::decode(&bytes, file.boot_id())
                && last.is_none_or(|last| found.checkpoint.turn > last.checkpoint.turn)
            {
                last = Some(found);
            }
        }
        last.ok_or_else(|| damaged(&file.path(), "its marks are damaged"))
    }
}

/// The error for a file whose contents are not what was written.
pub fn damaged(path: &Path, why: &str) -> Error {
    Error::Storage(format!(
        "{} cannot be read: {why}; nothing was changed: restore a backup",
        path.display()
    ))
}
