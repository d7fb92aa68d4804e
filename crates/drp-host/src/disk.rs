//! What a disk says that takes no more.

use std::io;

use rustix::io::Errno;

/// Whether a write failed for want of room, by a quota or limit, or because the disk is broken: answered with 507.
pub(crate) fn takes_no_more(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| is_refusal(Errno::from_raw_os_error(code)))
}

/// As [`takes_no_more`].
pub(crate) fn is_refusal(errno: Errno) -> bool {
    matches!(errno, Errno::NOSPC | Errno::DQUOT | Errno::FBIG | Errno::IO | Errno::ROFS)
}
