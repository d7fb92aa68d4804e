//! Rude in service: it answers, and does other things beside.

use http::StatusCode;

use crate::{
    peer::within,
    rig::{Rig, SECRET, until},
};

async fn rig(mode: &str) -> Rig {
    let rig = Rig::start().await;
    rig.run(mode).await;
    rig
}

/// `#18`: drained for ever.
#[tokio::test]
async fn a_flood_of_output_holds_nobody_up() {
    let rig = rig("serve-flood").await;
    for head in ["Plugin p1(so): ooo", "Plugin p1(se): eee"] {
        rig.until_logged(head).await;
    }
    for _ in 0..5 {
        rig.until_in_service().await;
        rig.others_are_served().await;
    }
    rig.end().await;
}

#[tokio::test]
async fn children_that_hold_the_output_end_with_the_plugin() {
    let rig = rig("serve-fork").await;
    rig.until_in_service().await;
    rig.end().await;
}

/// It is not the host's any more, but it neither keeps the plugin from ending nor the host from noticing.
#[tokio::test]
async fn a_child_that_left_holds_nobody_up() {
    let rig = rig("serve-daemon").await;
    rig.until_in_service().await;
    rig.act("crash").await;
    rig.until_error(&["Plugin exited: exit status 3"]).await;
    rig.until_in_service().await;
    rig.end().await;
}

#[tokio::test]
async fn zombies_go_with_the_plugin() {
    let rig = rig("serve-zombies").await;
    rig.until_in_service().await;
    rig.end().await;
}

/// `#4`: noticed, told, and started again with longer and longer waits.
#[tokio::test]
async fn who_ends_at_random_is_started_again() {
    let rig = rig("serve-crash").await;
    rig.until_error(&["Plugin exited: exit status 9\n", "\nI had enough"]).await;
    let crashes = async || {
        let log = rig.log().await;
        log.iter().filter(|line| line.starts_with("Plugin p1: Plugin exited: exit status 9")).count()
    };
    within(async {
        while crashes().await < 3 {
            rig.others_are_served().await;
        }
    })
    .await;
    rig.end().await;
}

/// It may speak of its own, and nothing more.
///
/// `#29`.
#[tokio::test]
async fn a_plugins_token_ends_with_it() {
    let rig = rig("shapeless").await;
    rig.until_in_service().await;
    let token = rig.act("environment").await.json()["RS_TOKEN"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {token}");
    assert_eq!(rig.peer.call_as(&bearer, "GET", "/plugins/p1", "").await.status, StatusCode::OK);
    rig.act("crash").await;
    rig.until_error(&["Plugin exited"]).await;
    let status = within(async {
        loop {
            let status = rig.peer.call_as(&bearer, "GET", "/plugins/p1", "").await.status;
            if status != StatusCode::OK {
                return status;
            }
        }
    })
    .await;
    assert!(status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN, "{status}");
    rig.end().await;
}

/// `#20`: what users name is no name of a file.
///
/// `#19`, `#37`.
#[tokio::test]
async fn a_plugin_with_a_very_long_name_runs() {
    let rig = Rig::start().await;
    let name = format!("x{}", "y-z.".repeat(200));
    rig.run_as(&name, "shapeless").await;
    assert_eq!(rig.act_on(&name, "ping").await.json(), "pong");
    rig.end().await;
}

/// One provider, several plugins: each has its own process, sockets, directory and token.
#[tokio::test]
async fn plugins_of_one_provider_do_not_share_anything() {
    let rig = Rig::start().await;
    rig.load("shapeless").await.unwrap();
    let mut found = Vec::new();
    for name in ["one", "two", "three"] {
        let plugin = format!(r#"{{"Name":"{name}","Provider":"rude-shapeless","Params":{{"rude/token":"{SECRET}"}}}}"#);
        assert_eq!(rig.peer.call("POST", "/plugins", &plugin).await.status, StatusCode::CREATED);
        found.push(rig.act_on(name, "environment").await.json());
    }
    for key in ["pid", "cwd", "RS_TOKEN"] {
        let values: std::collections::BTreeSet<String> = found.iter().map(|one| one[key].to_string()).collect();
        assert_eq!(values.len(), 3, "{key}: {values:?}");
    }
    // One of them crashes, and only that one.
    rig.act_on("two", "crash").await;
    let same = rig.act_on("one", "environment").await.json();
    assert_eq!(same["pid"], found[0]["pid"]);
    rig.end().await;
}

#[tokio::test]
async fn the_environment_of_the_host_is_not_that_of_its_plugins() {
    let rig = rig("shapeless").await;
    let found = rig.act("environment").await.json();
    let mut names: Vec<&str> = found.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    let expected = ["RS_CA_FILE", "RS_ENDPOINT", "RS_FILESERVER", "RS_TOKEN", "RS_WEBROOT", "cwd", "pid"];
    assert_eq!(names, expected);
    let scratch = rig.data().join("scratch/p1");
    std::fs::write(scratch.join("old"), "x").unwrap();
    rig.act("crash").await;
    until("the working directory is emptied", || !scratch.join("old").exists()).await;
    rig.until_in_service().await;
    rig.end().await;
}

/// `#7`: whoever may post events starts and stops nothing with them.
#[tokio::test]
async fn forged_events_move_no_plugin() {
    let rig = rig("shapeless").await;
    let pid = rig.act("environment").await.json()["pid"].clone();
    let forged = r#"{"Name":"p1","Provider":"nobody","Params":{"a":1}}"#;
    for (type_, key) in [("plugins", "p1"), ("plugin_providers", "rude-shapeless")] {
        for action in ["create", "start", "config", "stop", "remove", "delete", "update", "save"] {
            let event = format!(r#"{{"Type":"{type_}","Action":"{action}","Key":"{key}","Object":{forged}}}"#);
            assert_eq!(rig.peer.call("POST", "/events", &event).await.status, StatusCode::NO_CONTENT);
        }
    }
    assert_eq!(rig.act("environment").await.json()["pid"], pid);
    rig.end().await;
}

/// `#35`: the object cannot be written, and shows what is wrong all the same.
#[tokio::test]
async fn a_plugin_of_a_content_layer_shows_its_errors() {
    let rig = Rig::start().await;
    let content = r#"{"meta":{"Name":"packed","Version":"v1.0.0"},"sections":{"plugins":{
        "packed":{"Name":"packed","Provider":"nobody"}}}}"#;
    let posted = rig.peer.call("POST", "/contents", content).await;
    assert_eq!(posted.status, StatusCode::CREATED, "{:?}", posted.body);
    let expected = ["Missing Plugin Provider: nobody"];
    within(async { while rig.errors_of("packed").await != expected {} }).await;
    let shown = rig.peer.call("GET", "/plugins/packed", "").await.json();
    assert_eq!((&shown["ReadOnly"], &shown["Bundle"]), (&true.into(), &"packed".into()));
    assert_eq!(rig.peer.call("DELETE", "/contents/packed", "").await.status, StatusCode::NO_CONTENT);
    rig.end().await;
}

/// `#42`: tokens outlive every change of the layers.
#[tokio::test]
async fn a_change_of_the_layers_ends_no_token() {
    let rig = Rig::start().await;
    let made = rig.peer.call("GET", "/users/rocketskates/token", "").await.json();
    let bearer = format!("Bearer {}", made["Token"].as_str().unwrap());
    let content = r#"{"meta":{"Name":"more","Version":"v1.0.0"},"sections":{}}"#;
    assert_eq!(rig.peer.call("POST", "/contents", content).await.status, StatusCode::CREATED);
    rig.load("shapeless").await.unwrap();
    assert_eq!(rig.peer.call("DELETE", "/contents/more", "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(rig.peer.call_as(&bearer, "GET", "/users", "").await.status, StatusCode::OK);
    rig.end().await;
}
