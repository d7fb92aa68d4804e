//! Each mistake of a server is caught by the check that is meant for it.

use std::{fs, path::Path, sync::Arc, time::Duration};

use drp_conformance::{Code, Expected, HostSuite, Trust, output};
use futures_util::{StreamExt, stream};
use serde_json::json;

use super::forwarder::{Administrator, Change, serve};
use crate::process::Server;

/// Mistakes, each with the checks that must fail by it; without a mistake none of these fails.
const CAUGHT: &[(&str, Change, &[Code])] = &[
    (
        "no feature",
        |asked, _, body| {
            if asked.is("GET", "info") {
                body["features"] = json!([])
            }
        },
        &[Code::HostInfo],
    ),
    (
        "ports as texts",
        |asked, _, body| {
            if asked.is("GET", "info") {
                body["api_port"] = json!("1")
            }
        },
        &[Code::HostInfo],
    ),
    (
        "a create is 200",
        |asked, status, _| {
            if asked.is("POST", "profiles") {
                *status = 200
            }
        },
        &[Code::HostCreate, Code::HostParamAll, Code::HostPut, Code::HostListOrder],
    ),
    (
        "a null list",
        |asked, _, body| {
            if asked.is("GET", "machines/") {
                body["Errors"] = json!(null)
            }
        },
        &[Code::HostCreate],
    ),
    (
        "another key",
        |asked, _, body| {
            if asked.is("GET", "profiles/") {
                body["Name"] = json!("x")
            }
        },
        &[Code::HostCreate],
    ),
    (
        "a conflict is 200",
        |_, status, _| {
            if *status == 409 {
                *status = 200
            }
        },
        &[Code::HostConflict, Code::HostPatchTest, Code::HostParamAll, Code::HostBundled],
    ),
    (
        "errors without Code",
        |_, status, body| {
            if *status >= 400 {
                body["Code"] = json!(0)
            }
        },
        &[Code::HostMissing, Code::HostConflict, Code::HostName, Code::HostJson, Code::HostListBad],
    ),
    (
        "errors without Model",
        |_, status, body| {
            if *status == 404 {
                body["Model"] = json!("")
            }
        },
        &[Code::HostMissing, Code::HostParamSet],
    ),
    (
        "404 is 400",
        |_, status, body| {
            if *status == 404 {
                *status = 400;
                body["Code"] = json!(400)
            }
        },
        &[Code::HostMissing, Code::HostRoute, Code::HostDelete, Code::HostActionUnknown],
    ),
    (
        "a bare 500",
        |_, status, body| {
            if [400, 422].contains(status) {
                *status = 500;
                *body = json!(null)
            }
        },
        &[Code::HostJson, Code::HostWrongShape, Code::HostName, Code::HostEmptyKey, Code::HostPutKey],
    ),
    (
        "a deletion is 204",
        |asked, status, _| {
            if asked.method == "DELETE" {
                *status = 204
            }
        },
        &[Code::HostDelete, Code::HostParamSet],
    ),
    (
        "an unset param is 404",
        |asked, status, body| {
            if asked.method == "GET" && asked.path.contains("/params/") && body.is_null() {
                *status = 404;
            }
        },
        &[Code::HostParamUnset, Code::HostParamDefault, Code::HostParamSet],
    ),
    (
        "no profiles",
        |asked, _, body| {
            if asked.path.contains("/params?aggregate") {
                *body = json!({})
            }
        },
        &[Code::HostParamAggregate],
    ),
    (
        "no default",
        |asked, _, body| {
            if asked.path.contains("?aggregate") && *body == 42 {
                *body = json!(null)
            }
        },
        &[Code::HostParamDefault],
    ),
    (
        "secrets opened unasked",
        |asked, _, body| {
            if asked.path.contains("/params") && !asked.path.contains('?') && body["Payload"].is_string() {
                *body = json!("s3cr3t-0f-the-suite");
            }
        },
        &[Code::HostParamSecure],
    ),
    (
        "a schema that nobody checks",
        |asked, status, _| {
            if asked.method == "POST" && *status >= 400 {
                *status = 200
            }
        },
        &[Code::HostParamSchema, Code::HostActionWrong, Code::HostUploadBad, Code::HostProviderTypes],
    ),
    (
        "a filter that nobody knows",
        |asked, status, body| {
            if asked.path.contains("Between") && *status == 200 {
                *body = json!([])
            }
        },
        &[Code::HostListFilters, Code::HostListOrder],
    ),
    (
        "a list that is not sorted",
        |_, _, body| {
            if let Some(list) = body.as_array_mut() {
                list.reverse()
            }
        },
        &[Code::HostListFilters, Code::HostListOrder, Code::HostActionList],
    ),
    (
        "a list that is not slim",
        |_, _, body| {
            if body[0]["Partial"] == true {
                body[0]["Partial"] = json!(false)
            }
        },
        &[Code::HostListSlim],
    ),
    (
        "no meta",
        |asked, status, _| {
            if asked.path.starts_with("meta/") {
                *status = 400
            }
        },
        &[Code::HostMeta],
    ),
    (
        "content that can be changed",
        |_, _, body| {
            if body["ReadOnly"] == true {
                body["ReadOnly"] = json!(false)
            }
        },
        &[Code::HostBundled, Code::HostProviderContent],
    ),
    (
        "a log that is none",
        |asked, _, body| {
            if asked.path == "logs" {
                *body = json!({})
            }
        },
        &[Code::HostLogs],
    ),
    (
        "uploads are refused late",
        |asked, status, _| {
            if asked.is("POST", "plugin_providers/") && *status == 400 {
                *status = 201
            }
        },
        &[Code::HostUploadBad],
    ),
    (
        "types that nobody knows",
        |asked, _, body| {
            if asked.path == "objects" {
                *body = json!([])
            }
        },
        &[Code::HostProviderTypes],
    ),
    (
        "PluginErrors that say nothing",
        |asked, _, body| {
            if asked.is("GET", "plugins/") {
                body["PluginErrors"] = json!([])
            }
        },
        &[Code::HostPluginMissing, Code::HostPluginRefused, Code::HostPluginProvider, Code::HostProviderGone],
    ),
    (
        "Name among the stored params",
        |asked, _, body| {
            if asked.is("GET", "plugins/") && body["Params"].is_object() {
                body["Params"]["Name"] = json!("x")
            }
        },
        &[Code::HostPluginConfig],
    ),
    (
        "a configuration without Name",
        |asked, _, body| {
            if asked.path.contains("actions/told") {
                body["Config"]["Name"] = json!(null)
            }
        },
        &[Code::HostPluginConfig],
    ),
    (
        "a configuration that stays",
        |asked, _, body| {
            if asked.path.contains("actions/told") {
                body["Config"]["changing"] = json!(1)
            }
        },
        &[Code::HostPluginChanged],
    ),
    (
        "a provider that stays",
        |asked, status, body| {
            if asked.is("GET", "plugin_providers/") && *status == 404 {
                *status = 200;
                *body = json!({})
            }
        },
        &[Code::HostProviderGone, Code::HostProviderForbidden],
    ),
    (
        "actions without Model",
        |asked, _, body| {
            if asked.path.contains("actions/echo") {
                body["Model"] = json!({})
            }
        },
        &[Code::HostActionRun],
    ),
    (
        "params that nobody looks up",
        |asked, _, body| {
            if asked.path.contains("actions/echo") && *body != json!(null) {
                body["Params"] = json!({})
            }
        },
        &[Code::HostActionParams, Code::HostActionRun],
    ),
    (
        "errors of plugins changed",
        |_, _, body| {
            if body["Type"] == "puppet" {
                body["Type"] = json!("INVOKE")
            }
        },
        &[Code::HostActionError],
    ),
    (
        "all errors of actions are 409",
        |asked, status, body| {
            if asked.path.contains("/actions/") && *status >= 400 {
                *status = 409;
                body["Code"] = json!(409)
            }
        },
        &[Code::HostActionError, Code::HostActionWrong, Code::HostActionUnknown],
    ),
];

/// What a server without credentials, headers, exact numbers and events gets wrong.
const BARE: &[Code] = &[
    Code::HostAuthNone,
    Code::HostAuthWrong,
    Code::HostAuthTtl,
    Code::HostAuthQuery,
    Code::HostAuthPassword,
    Code::HostAuthClaims,
    Code::HostAuthGone,
    Code::HostContentType,
    Code::HostListPage,
    Code::HostListHead,
    Code::HostParamNumbers,
    Code::HostActionNumbers,
    Code::HostEventsAuth,
    Code::HostEventsObjects,
    Code::HostEventsParams,
    Code::HostEventsSelectors,
    Code::HostEventsOnce,
    Code::HostEventsPost,
    Code::HostEventsSecrets,
    Code::HostUpload,
    Code::HostProviderBinary,
    Code::HostPluginConfiged,
    Code::HostPluginToken,
    Code::HostPluginLog,
    Code::HostPluginPublish,
    Code::HostPluginStop,
    Code::HostPluginLeave,
    Code::HostActionSecure,
    Code::HostActionEvent,
];

/// The suite's provider, in the server's directory.
const PROVIDER: &str = "provider";
/// Mistakes that are judged at the same time.
const BESIDE: usize = 4;

/// The suite's provider, small enough for a server by hand.
fn make_provider(directory: &Path) {
    let path = directory.join(PROVIDER);
    let script = format!("#!/bin/bash\nexec -a \"$0\" '{}' \"$@\"\n", env!("CARGO_BIN_EXE_drpx"));
    fs::write(&path, script).unwrap();
}

/// The checks that fail, and the report, of these checks.
async fn judge(endpoint: &str, directory: &Path, only: &[Code]) -> (Vec<Code>, String) {
    let mut suite = HostSuite::new(endpoint, super::NAME, super::PASSWORD);
    suite.trust = Trust::Anyone;
    suite.provider = Some(directory.join(PROVIDER));
    suite.only = only.iter().copied().collect();
    suite.patience = Duration::from_secs(3);
    let run = suite.start().unwrap();
    let report = run.run(|_| {}).await;
    run.clean_up().await;
    (report.failed().collect(), output::people(&report, &Expected::default()))
}

async fn all_are_caught(wrong: &[(&str, Change, &[Code])]) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    make_provider(data.path());
    let administrator = Arc::new(Administrator::new(&server));
    let judged = stream::iter(wrong).map(|(mistake, change, codes)| {
        let (endpoint, data) = (serve(&administrator, *change), data.path());
        async move {
            let (failed, text) = judge(&endpoint, data, codes).await;
            let mut wanted = codes.to_vec();
            wanted.sort_unstable();
            (failed != wanted).then(|| format!("{mistake}: {text}"))
        }
    });
    let missed: Vec<String> = judged.buffer_unordered(BESIDE).filter_map(std::future::ready).collect().await;
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mistake_fails_the_checks_that_are_meant_for_it() {
    all_are_caught(CAUGHT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_server_fails_what_it_lacks() {
    all_are_caught(&[("bare", |_, _, _| {}, BARE)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_mistake_none_of_these_checks_fails() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    make_provider(data.path());
    let administrator = Arc::new(Administrator::new(&server));
    let codes: Vec<Code> = CAUGHT.iter().flat_map(|(_, _, codes)| codes.iter().copied()).collect();
    let (failed, text) = judge(&serve(&administrator, |_, _, _| {}), data.path(), &codes).await;
    assert_eq!(failed, Vec::<Code>::new(), "{text}");
}
