//! What a plugin does with what it was told in confidence.

use std::time::Duration;

use serde_json::json;

use super::super::{case::Case, instance::eventually, subject::PLANTED};
use crate::{
    figures,
    mask::Mask,
    verdict::{Verdict, ensure, failed},
};

/// How long a line may be under way.
const LINES_TIME: Duration = Duration::from_millis(500);

pub(super) async fn logs_no_secrets(case: &Case) -> Verdict {
    let instance = case.listen().await?;
    let token = instance.stage.api.token.clone();
    let mut config = case.subject.config();
    config.insert(PLANTED.to_owned(), json!(case.subject.planted));
    // Whether it takes it is of no importance here.
    let _ = instance.configure(&config).await;
    for call in &case.subject.calls {
        let _ = instance.act(call).await;
    }
    let planted = Mask::new([case.subject.planted.clone()]);
    let token = Mask::new([token]);
    let shown = || {
        let said = instance.said();
        if case.subject.mask.is_in(&said) {
            Some("a secret of the configuration")
        } else if planted.is_in(&said) {
            Some("the whole configuration, with what may be secret in it")
        } else if token.is_in(&said) {
            Some("its own token")
        } else {
            None
        }
    };
    eventually(LINES_TIME, || shown().is_some()).await;
    shown().map_or(Ok(()), |what| failed(format!("{what} is in a log line or on its outputs")))
}

pub(super) async fn passes_no_secrets(case: &Case) -> Verdict {
    let instance = case.listen().await?;
    if !figures::are_known() {
        return crate::verdict::skipped("the system does not tell the arguments of processes");
    }
    let token = Mask::new([instance.stage.api.token.clone()]);
    let work = async {
        instance.configure(&case.subject.config()).await?;
        for call in &case.subject.calls {
            instance.act(call).await?;
        }
        Ok(())
    };
    tokio::pin!(work);
    loop {
        for pid in instance.process.family() {
            let arguments = figures::arguments_of(pid);
            let is_shown = case.subject.mask.is_in(&arguments) || token.is_in(&arguments);
            ensure!(!is_shown, "a child process has a secret in its arguments: {arguments}");
        }
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
    }
}
