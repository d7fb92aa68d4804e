//! One provider under its host, from the first configuration to its end.

use std::os::unix::fs::PermissionsExt;

use drp_core::Plugin;
use drp_plugin::{Machine, Model, NoParams, Secure};
use drp_test::{TestHost, context};
use serde_json::json;

use crate::provider::{Lamp, Switch, provider, switch};

#[tokio::test]
async fn a_provider_is_configured_called_and_stopped() {
    let host = TestHost::start(provider()).await;
    host.configure(json!({"lamp/token": "t0ken", "lamp/watts": 60})).await.unwrap();
    let machine = host.machine("desk").await;
    assert_eq!(host.act::<u32>("switch", &machine, json!({"lamp/on": true})).await.unwrap(), 60);
    assert_eq!(host.param(&machine, "lamp/watts-now").await, Some(json!(60)));
    let line = host.wait_for_log("desk now takes 60 watts").await;
    assert_eq!((line.service.as_str(), line.principal.as_str()), ("lamp", "plugin:lamp"));
    assert!(host.logged().iter().any(|known| known.seq == line.seq));

    let caused = host.wait_for_event(&format!("machines.update.{}", machine.key())).await;
    assert_eq!(caused.principal, "plugin:lamp");
    host.emit("lamps", "broken", "desk", json!({"Watts": 60})).await;
    host.wait_for_log("saw lamps.broken.desk").await;

    let refused = host.act::<u32>("switch", &machine, json!({"lamp/on": "perhaps"})).await.unwrap_err();
    assert_eq!(refused.code, 400);
    assert!(refused.to_string().contains("lamp/on"), "{refused}");
    assert_eq!(host.act_on_system::<NoResult>("nothing", json!({})).await.unwrap_err().code, 400);

    let ended = host.stop().await;
    assert_eq!(ended.error, None);
    assert!(ended.logged("the lamp is dark") && ended.logged("Plugin lamp has stopped"));
}

type NoResult = ();

#[tokio::test]
async fn what_is_wrong_with_a_configuration_is_told_and_a_good_one_mends_it() {
    let host = TestHost::start(provider()).await;
    let refused = host.configure(json!({"lamp/watts": 60})).await.unwrap_err();
    assert_eq!(refused.messages, ["Missing required parameter: lamp/token"]);
    // Twice the same is refused twice.
    assert_eq!(host.configure(json!({"lamp/watts": 60})).await, Err(refused));
    let refused = host.configure(json!({"lamp/token": "t0ken", "lamp/watts": 13})).await.unwrap_err();
    assert!(refused.messages[0].contains("no lamp takes 13 watts"), "{refused}");
    for watts in [20, 20, 40] {
        host.configure(json!({"lamp/token": "t0ken", "lamp/watts": watts})).await.unwrap();
        let machine = host.machine(&format!("desk-{}", host.events().len())).await;
        assert_eq!(host.act::<u32>("switch", &machine, json!({"lamp/on": true})).await.unwrap(), watts);
    }
    assert!(host.plugin().await.plugin_errors.is_empty());
    host.stop().await;
}

#[tokio::test]
async fn a_secret_is_in_no_line_and_a_panic_is_told() {
    let host = TestHost::start(provider()).await;
    host.configure(json!({"lamp/token": "opensesame-0815"})).await.unwrap();
    let error = host.act_on_system::<()>("panic", json!({})).await.unwrap_err();
    assert_eq!((error.code, error.messages[0].contains("panicked")), (500, true), "{error}");
    host.wait_for_log("panicked: no use for [secret]").await;
    host.act_on_system::<()>("say", json!({})).await.unwrap();
    host.wait_for_log("said by the handler with [secret]").await;
    let stored: Plugin = host.plugin().await;
    assert!(!stored.params["lamp/token"].get().contains("opensesame"));
    let ended = host.stop().await;
    assert!(!ended.logged("opensesame-0815"));
}

#[tokio::test]
async fn a_provider_that_is_cut_off_comes_back() {
    let host = TestHost::start(provider()).await;
    host.configure(json!({"lamp/token": "t0ken", "lamp/watts": 60})).await.unwrap();
    host.wait_for_log("first true resyncs 0").await;
    host.drop_connections();
    host.wait_for_log("first false resyncs 1").await;
    host.cut_api();
    host.emit("lamps", "unseen", "desk", json!({})).await;
    host.wait_for_event("lamps.unseen.desk").await;
    // Its sockets are not cut.
    assert_eq!(host.act_on_system::<String>("sleep", json!({})).await.unwrap(), "slept");
    host.restore_api();
    host.wait_for_log("first false resyncs 1").await;
    host.emit("lamps", "seen", "desk", json!({})).await;
    host.wait_for_log("saw lamps.seen.desk").await;
    assert!(!host.stop().await.logged("saw lamps.unseen.desk"));
}

#[tokio::test]
async fn a_stop_waits_for_the_action_in_flight() {
    let host = std::sync::Arc::new(TestHost::start(provider()).await);
    host.configure(json!({"lamp/token": "t0ken"})).await.unwrap();
    let acting = tokio::spawn({
        let host = std::sync::Arc::clone(&host);
        async move { host.act_on_system::<String>("sleep", json!({})).await }
    });
    host.wait_for_log("sleeping").await;
    host.client().objects::<Plugin>().delete("lamp").await.unwrap();
    assert_eq!(acting.await.unwrap().unwrap(), "slept");
    host.wait_for_log("the lamp is dark").await;
    host.wait_for_event("plugins.stopped.lamp").await;
}

#[tokio::test]
async fn files_are_unpacked_as_the_host_does_it_and_go_with_it() {
    let host = TestHost::start(provider()).await;
    let file = host.unpacked().join("bin/lamp");
    assert_eq!(std::fs::read(&file).unwrap(), b"#!/bin/sh\n");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o755);
    host.stop().await;
    assert!(!file.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_executable_is_run_by_the_same_kit() {
    let host = TestHost::start_executable(raw_peer::built("incrementer")).await;
    host.configure(json!({})).await.unwrap();
    let machine = host.machine("demo").await;
    assert_eq!(host.act::<i64>("increment", &machine, json!({})).await.unwrap(), 1);
    assert_eq!(host.act::<i64>("increment", &machine, json!({"incrementer/step": 2})).await.unwrap(), 3);
    host.wait_for_log("incrementer/default is now 3").await;
    assert!(host.unpacked().join("testFile").exists());
    assert!(host.stop().await.logged("Plugin incrementer has stopped"));
}

#[tokio::test]
async fn handlers_are_plain_functions_with_a_server_and_without() {
    let lamp = || Lamp { token: Secure::new("t0ken".to_owned()), watts: 5 };
    let host = TestHost::start(provider()).await;
    let machine = host.machine("desk").await;
    let watts = switch(host.context(lamp()), machine.clone(), Switch { on: true }).await.unwrap();
    assert_eq!((watts, host.param(&machine, "lamp/watts-now").await), (5, Some(json!(5))));
    let unsaved = Machine { name: "nowhere".to_owned(), ..Machine::default() };
    let error = switch(context(lamp()), unsaved, Switch { on: true }).await.unwrap_err();
    assert_eq!(error.code(), 500, "{error}");
    let _ = NoParams {};
    host.stop().await;
}
