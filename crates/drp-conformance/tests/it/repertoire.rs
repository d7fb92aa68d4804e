//! Each misbehaviour is caught by the check that is meant for it.

use std::collections::BTreeSet;

use drp_conformance::{Code, Expected, output};
use futures_util::{StreamExt, stream};

use crate::rude;

/// Modes, and the checks that must fail by them; a provider without the fault fails none of these.
const CAUGHT: &[(&str, &[Code])] = &[
    ("define-garbage", &[Code::DefineJson]),
    ("define-empty", &[Code::DefineJson]),
    ("define-huge", &[Code::DefineJson]),
    ("define-endless", &[Code::DefineEnds]),
    ("define-refused", &[Code::DefineExit]),
    ("define-trailing", &[Code::DefineAlone]),
    ("define-version", &[Code::DefineVersion]),
    ("define-misnamed", &[Code::DefineName]),
    ("define-content", &[Code::DefineContent]),
    ("define-deep", &[Code::DefineJson]),
    ("define-secrets", &[Code::DefineSecrets, Code::DefineJson]),
    ("define-binary", &[Code::DefineJson]),
    ("define-wrong-types", &[Code::DefineTypes]),
    ("unpack-refused", &[Code::UnpackExit]),
    ("unpack-endless", &[Code::UnpackEnds]),
    ("unpack-link", &[Code::UnpackInside]),
    ("unpack-flood", &[Code::UnpackEnds]),
    ("unpack-secrets", &[Code::UnpackSecrets, Code::UnpackExit]),
    ("listen-exit", &[Code::ListenReady]),
    ("listen-failed", &[Code::ListenReady]),
    ("listen-silent", &[Code::ListenReady]),
    ("listen-deaf", &[Code::ListenSocket]),
    ("listen-ready-exit", &[Code::ListenSocket]),
    ("listen-long-line", &[Code::ListenNoise]),
    ("listen-binary", &[Code::ListenNoise]),
    ("listen-flood", &[Code::ListenReady]),
    ("config-silent", &[Code::ConfigGood]),
    ("config-garbage", &[Code::ConfigGood]),
    ("config-huge", &[Code::ConfigGood]),
    ("config-error", &[Code::ConfigGood]),
    ("config-error-in-error", &[Code::ConfigErrorPlain]),
    ("config-code-0", &[Code::ConfigErrorCode]),
    ("config-forbidden", &[Code::ConfigForbidden]),
    ("config-torn", &[Code::ConfigGood]),
    ("config-type", &[Code::ConfigType]),
    ("config-crash", &[Code::ConfigGood]),
    ("config-secrets", &[Code::ConfigErrorSecrets]),
    ("publish-silent", &[Code::PublishAnswers]),
    ("publish-error", &[Code::PublishAccepts]),
    ("publish-echo", &[Code::PublishEcho]),
    ("publish-print", &[Code::ServeStdout]),
    ("stop-silent", &[Code::StopEnds]),
    ("stop-refuse", &[Code::StopEnds]),
    ("stop-ignore", &[Code::StopEnds]),
    ("stop-stubborn", &[Code::SigtermEnds]),
    ("serve-flood", &[Code::ServeStdout]),
    ("serve-fork", &[Code::StopLeftovers]),
    ("serve-daemon", &[Code::StopLeftovers]),
    ("serve-zombies", &[Code::ServeZombies]),
    ("serve-crash", &[Code::ServeAlive]),
    ("serve-log-flood", &[Code::ServeQuiet]),
    ("serve-event-flood", &[Code::ServeQuiet]),
    ("serve-bad-callbacks", &[Code::ServeCallbacks]),
    ("serve-huge-callbacks", &[Code::ServeCallbacks]),
    ("serve-connections", &[Code::ServeConnections]),
    ("serve-half-callbacks", &[Code::ServeConnections]),
    ("serve-leave", &[Code::ServeLeaves]),
    ("serve-leave-forbidden", &[Code::ServeLeaves]),
];

/// Modes that a provider suite cannot tell from good behaviour.
const NOT_CAUGHT: &[(&str, &str)] = &[
    ("define-noisy", "every mode writes to stderr in `define`"),
    ("define-many", "so many actions are allowed"),
    ("config-slow", "an answer that comes within the time is one"),
    ("publish-slow", "an answer that comes within the time is one"),
    ("stop-exit", "every mode exits without an answer to stop"),
];

/// Modes that are judged at the same time.
const BESIDE: usize = 6;

#[test]
fn every_mode_is_in_one_of_the_tables() {
    let caught = CAUGHT.iter().map(|(mode, _)| (*mode).to_owned());
    let all: BTreeSet<String> = caught.chain(NOT_CAUGHT.iter().map(|(mode, _)| (*mode).to_owned())).collect();
    assert_eq!(all, rude::modes().into_iter().collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mode_fails_the_check_that_is_meant_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let judged = stream::iter(CAUGHT).map(|(mode, codes)| {
        let directory = directory.path().to_owned();
        async move {
            let report = rude::judge(&directory, &format!("-{mode}"), codes).await;
            let failed: Vec<Code> = report.failed().collect();
            let mut wanted = codes.to_vec();
            wanted.sort_unstable();
            let text = output::people(&report, &Expected::default());
            assert!(!text.contains(rude::SECRET), "{mode}: {text}");
            (failed != wanted).then(|| format!("{mode}: {text}"))
        }
    });
    let missed: Vec<String> = judged.buffer_unordered(BESIDE).filter_map(std::future::ready).collect().await;
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_fault_none_of_these_checks_fails() {
    let directory = tempfile::tempdir().unwrap();
    // One that takes events well is slow about it.
    for (shape, has_publish) in [("", false), ("-publish-slow", true)] {
        let of_shape = CAUGHT.iter().filter(|(mode, _)| mode.starts_with("publish-") == has_publish);
        let codes: Vec<Code> = of_shape.flat_map(|(_, codes)| codes.iter().copied()).collect();
        let report = rude::judge(directory.path(), shape, &codes).await;
        assert!(report.failed().next().is_none(), "{}", output::people(&report, &Expected::default()));
    }
}
