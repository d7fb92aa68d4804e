#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::Write,
    os::unix::fs::{MetadataExt, PermissionsExt},
    sync::Arc,
    time::Duration,
};

use drp_core::PluginProvider;
use serde_json::json;

use super::{ImportError, RemoveError, UploadError, define::check};
use crate::{
    auth::Principal,
    config::Times,
    objects::spawn_event_pump,
    plugins::{
        State,
        rude::{TestHost, is_alive, published, quick, until},
    },
};

/// `#16`, `#33`.
#[tokio::test]
async fn good_providers_are_imported_and_what_is_none_is_left_alone() {
    let host = TestHost::new().await;
    let mut events = host.bus.subscribe(100);
    for name in ["rude", "rude-auto", ".rude.part", "rude-define-garbage"] {
        host.install(name);
    }
    let directory = host.directory.path().join("plugins");
    fs::create_dir(directory.join("sub")).unwrap();
    fs::write(directory.join("README"), "not to be run").unwrap();
    host.providers.import_all().await;

    let names: Vec<String> = host.providers.list().iter().map(|found| found.definition.name.clone()).collect();
    assert_eq!(names, ["rude", "rude-auto"]);
    let expected = ["rude", "rude-auto"].map(|name| format!("plugin_providers.create.{name}"));
    let mut created = published(&mut events);
    // They unpack beside each other.
    created.sort();
    assert_eq!(created, expected);
    assert!(!host.directory.path().join("plugins/.rude.part").exists());
    let rude = host.providers.get("rude").unwrap();
    assert!(rude.definition.available_actions.iter().all(|action| action.provider == "rude"));
    assert_eq!(rude.definition.meta["Description"], "Misbehaves on command");
    assert!(host.params.declaration("rude/token").unwrap().secure);

    let plugin = host.objects.get("plugins", "rude-auto").unwrap().unwrap();
    assert_eq!((plugin.text("Name"), plugin.text("Provider")), ("rude-auto".into(), "rude-auto".into()));
    assert!(host.objects.get("plugins", "rude").unwrap().is_none());

    let messages = host.messages();
    let has = |start: &str| messages.iter().any(|line| line.starts_with(start));
    assert!(has("Skipping rude-define-garbage because of bad json: "));
    assert!(has("Provider rude define: local log: "));
    assert!(!messages.iter().any(|line| line.contains("README") || line.contains(".part") || line.contains("sub")));
}

#[tokio::test]
async fn assets_are_unpacked_into_a_clean_directory_of_the_owner() {
    let host = TestHost::new().await;
    let path = host.install("rude");
    let unpacked = host.directory.path().join("web/files/plugin_providers/rude");
    fs::create_dir_all(&unpacked).unwrap();
    fs::write(unpacked.join("old"), "from the version before").unwrap();
    host.providers.import(&path).await.unwrap();
    assert_eq!(fs::read_to_string(unpacked.join("asset")).unwrap(), "an asset");
    assert!(!unpacked.join("old").exists());
    assert_eq!(fs::metadata(&unpacked).unwrap().permissions().mode() & 0o777, 0o700);
}

/// `#34`.
#[tokio::test]
async fn a_failed_unpack_is_said_in_the_log_and_on_the_record() {
    let host = TestHost::new().await;
    host.providers.import(&host.install("rude-unpack-refused")).await.unwrap();
    let text = "Cannot unpack provider rude-unpack-refused: exit status 3\nno room";
    assert!(host.messages().contains(&text.to_owned()));
    let record = host.providers.get("rude-unpack-refused").unwrap();
    assert_eq!(record.definition.extra["Errors"].parse::<Vec<String>>().unwrap(), [text]);
}

#[tokio::test]
async fn a_refused_definition_names_what_is_wrong() {
    let host = TestHost::with_times(Times { define: Duration::from_millis(300), ..quick() }).await;
    let error = async |name: &str| host.providers.import(&host.install(name)).await.unwrap_err().to_string();
    let refused = error("rude-define-refused").await;
    assert!(refused.starts_with("Skipping rude-define-refused because exit status 1: "), "{refused}");
    assert!(refused.ends_with("\nno licence"), "{refused}");
    let garbage = error("rude-define-garbage").await;
    assert!(garbage.starts_with("Skipping rude-define-garbage because of bad json: expected"), "{garbage}");
    assert!(garbage.ends_with("\nthis is not JSON\n"), "{garbage}");
    assert_eq!(error("rude-define-version").await, "Skipping rude-define-version because of bad version: 2");
    let slow = error("rude-define-endless").await;
    assert_eq!(slow, "Skipping rude-define-endless because define failed: it took longer than 300ms");
}

#[tokio::test]
async fn a_provider_that_is_refused_leaves_the_one_before_in_force() {
    let host = TestHost::new().await;
    let path = host.install("rude");
    host.providers.import(&path).await.unwrap();
    let before = host.providers.get("rude").unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, "no program").unwrap();
    let error = host.providers.import(&path).await.unwrap_err();
    assert!(error.to_string().starts_with("Skipping rude because "), "{error}");
    assert!(std::sync::Arc::ptr_eq(&before, &host.providers.get("rude").unwrap()));
}

#[tokio::test]
async fn a_provider_under_another_name_runs_unless_there_is_one_under_its_own() {
    let host = TestHost::new().await;
    let misnamed = host.install("rude-define-misnamed");
    host.providers.import(&misnamed).await.unwrap();
    assert_eq!(host.providers.get("somebody-else").unwrap().path, misnamed);
    let own = host.directory.path().join("plugins/somebody-else");
    fs::write(&own, "#!/bin/sh\n[ $1 = define ] && echo '{\"Name\":\"somebody-else\",\"PluginVersion\":4}'\n").unwrap();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o700)).unwrap();
    host.providers.import(&own).await.unwrap();
    assert_eq!(host.providers.get("somebody-else").unwrap().path, own);
    let error = host.providers.import(&misnamed).await.unwrap_err().to_string();
    assert!(error.starts_with("Skipping rude-define-misnamed because of bad name: "), "{error}");
}

/// Uploads the rude provider under a name that says how rude it is.
async fn upload(host: &TestHost, name: &str, replace: bool) -> Result<(), String> {
    let program = fs::read(host.install(&format!("{name}.copy"))).unwrap();
    fs::remove_file(host.directory.path().join(format!("plugins/{name}.copy"))).unwrap();
    let upload = host.providers.begin_upload(name).map_err(|error| error.to_string())?;
    upload.file().unwrap().write_all(&program).unwrap();
    let by = Principal::superuser("bob");
    host.providers.finish_upload(upload, replace.then_some(&by)).await.map_err(|error| error.to_string())
}

/// `#11`.
#[tokio::test]
async fn an_upgrade_stops_and_starts_each_plugin_once() {
    let host = TestHost::running("rude", json!({})).await;
    let pid = host.pid().await;
    let mut events = host.bus.subscribe(1000);
    let file = host.directory.path().join("plugins/rude");
    let inode = fs::metadata(&file).unwrap().ino();
    upload(&host, "rude", false).await.unwrap();
    until("the old process is gone", || !is_alive(pid)).await;
    host.until_state(State::Configured).await;
    let found = fs::metadata(&file).unwrap();
    assert_ne!((found.ino(), host.pid().await), (inode, pid));
    assert_eq!(found.permissions().mode() & 0o777, 0o700);
    host.plugins.stop().await;
    let expected = [
        "plugin_providers.delete.rude",
        "plugin_providers.create.rude",
        "plugins.stopped.p1",
        "plugins.configed.p1",
        // That of the stop here.
        "plugins.stopped.p1",
    ];
    let mut found = published(&mut events);
    found.retain(|event| event.starts_with("plugin"));
    assert_eq!(found, expected);
}

/// `#10`.
#[tokio::test]
async fn a_refused_upload_changes_nothing() {
    let host = TestHost::running("rude", json!({})).await;
    let pid = host.pid().await;
    let before = host.providers.get("rude").unwrap();
    let upload = host.providers.begin_upload("rude").unwrap();
    let busy = host.providers.begin_upload("rude").unwrap_err().to_string();
    assert_eq!(busy, "plugin_provider rude already uploading");
    upload.file().unwrap().write_all(b"no program").unwrap();
    let error = host.providers.finish_upload(upload, None).await.unwrap_err().to_string();
    assert!(error.starts_with("Skipping rude because "), "{error}");
    let now = host.providers.get("rude").unwrap();
    assert!(Arc::ptr_eq(&before, &now));
    assert_eq!(host.pid().await, pid);
    assert!(host.params.declaration("rude/token").is_some());
    let names: Vec<_> = fs::read_dir(host.directory.path().join("plugins")).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[tokio::test]
async fn objects_make_room_for_a_providers_content_only_where_that_is_asked_for() {
    let host = TestHost::new().await;
    let _pump = spawn_event_pump(&host.objects, host.bus.clone(), host.log.clone()).unwrap();
    host.create("params", json!({"Name": "rude/token"})).await;
    let refused = upload(&host, "rude", false).await.unwrap_err();
    assert!(
        refused.contains("params:rude/token in layer plugin-rude would override layer writable-BackingStore"),
        "{refused}"
    );
    assert!(host.providers.list().is_empty() && !host.directory.path().join("plugins/rude").exists());
    let mut events = host.bus.subscribe(100);
    upload(&host, "rude", true).await.unwrap();
    assert!(host.params.declaration("rude/token").unwrap().secure);
    let mut found = Vec::new();
    until("the param's end is told", || {
        found.extend(published(&mut events));
        found.contains(&"params.delete.rude/token".to_owned())
    })
    .await;
}

/// `#14`.
#[tokio::test]
async fn a_deleted_provider_leaves_plugins_that_miss_it() {
    let host = TestHost::running("rude", json!({})).await;
    let pid = host.pid().await;
    assert!(host.directory.path().join("web/files/plugin_providers/rude").exists());
    host.providers.remove("rude").await.unwrap();
    until("the process is gone", || !is_alive(pid)).await;
    until("the plugin misses it", || host.stored_errors() == ["Missing Plugin Provider: rude"]).await;
    assert!(host.providers.get("rude").is_none() && host.params.declaration("rude/token").is_none());
    assert!(!host.directory.path().join("plugins/rude").exists());
    assert!(!host.directory.path().join("web/files/plugin_providers/rude").exists());
    assert!(matches!(host.providers.remove("rude").await, Err(RemoveError::Missing)));
    assert!(matches!(host.providers.remove("../rude").await, Err(RemoveError::Missing)));
    upload(&host, "rude", false).await.unwrap();
    host.until_state(State::Configured).await;
    assert!(host.stored_errors().is_empty());
}

/// `#10`.
/// `#34`.
#[tokio::test]
async fn assets_of_providers_that_went_meanwhile_are_removed_at_start() {
    let host = TestHost::new().await;
    let assets = host.directory.path().join("web/files/plugin_providers");
    host.providers.import(&host.install("rude")).await.unwrap();
    // One that is there and does not load.
    host.install("rude-garbage-define");
    for name in ["gone", "rude-garbage-define"] {
        fs::create_dir_all(assets.join(name).join("deeper")).unwrap();
    }
    fs::write(assets.join("a-file-of-the-operators"), "").unwrap();
    host.providers.remove_orphaned_assets().await;
    let mut left: Vec<_> =
        fs::read_dir(&assets).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["a-file-of-the-operators", "rude", "rude-garbage-define"]);
}

#[tokio::test]
async fn what_a_crash_left_of_an_upload_is_in_nobodys_way() {
    let host = TestHost::new().await;
    let part = host.directory.path().join("plugins/.rude.part");
    fs::create_dir_all(part.join("odd")).unwrap();
    upload(&host, "rude", false).await.unwrap();
    assert!(!part.exists());
    assert!(matches!(host.providers.begin_upload("../x"), Err(UploadError::Name(_))));
}

#[test]
fn names_and_content_are_checked() {
    let refused = |name: &str, file: &str, content: &str| {
        let provider = PluginProvider {
            name: name.to_owned(),
            plugin_version: 4,
            content: content.to_owned(),
            ..PluginProvider::default()
        };
        check(provider, file).unwrap_err()
    };
    assert!(matches!(refused("a", "a", ""), ImportError::Name { .. }));
    assert!(matches!(refused("../x", "../x", ""), ImportError::Name { .. }));
    let content = refused("ab", "ab", "a: [");
    assert!(content.to_string().starts_with("Skipping ab because of bad content: cannot read content as YAML: "));
}

/// `#16`.
#[tokio::test]
async fn who_hangs_at_start_keeps_none_of_the_others_waiting() {
    let host = TestHost::new().await;
    for name in ["rude", "rude-define-endless", "rude-unpack-endless"] {
        host.install(name);
    }
    host.providers.import_within(Duration::from_millis(100)).await;
    until("the good one is there", || host.providers.get("rude").is_some()).await;
    let directory = host.directory.path().to_string_lossy().into_owned();
    let hanging = || {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
        lines.filter(|line| String::from_utf8_lossy(line).contains(&directory)).count()
    };
    until("two hang", || hanging() == 2).await;
    host.plugins.stop().await;
    until("they end with the host", || hanging() == 0).await;
}
