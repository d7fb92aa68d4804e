//! Directories with long and strange names.

use std::fs;

use super::{
    case::{Case, Way},
    suite::{Check, check},
};
use crate::{
    transcript::excerpt,
    verdict::{Verdict, cannot, ensure},
};

pub(super) const CHECKS: &[Check] = &[check!(PathsUnpack, Nothing, unpacks_anywhere)];

async fn unpacks_anywhere(case: &Case) -> Verdict {
    let mut target = case.directory("u")?;
    for number in 0..4 {
        target.push(format!("{number} a blank, \"quotes\" and ä→ {}", "x".repeat(60)));
    }
    fs::create_dir_all(&target).map_err(cannot("make a directory"))?;
    let ran = case.run(&["unpack".as_ref(), target.as_os_str()], Way::default()).await?;
    let status = ran.ended()?;
    let bytes = target.as_os_str().len();
    ensure!(status.success(), "into a path of {bytes} bytes it ended with {status}: {}", excerpt(&ran.stderr, 200));
    Ok(())
}
