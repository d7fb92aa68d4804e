#![allow(clippy::unwrap_used)]

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use drp_core::PluginProvider;

use super::{ImportError, define::check};
use crate::{
    config::Times,
    plugins::rude::{TestHost, published, quick},
};

#[tokio::test]
async fn good_providers_are_imported_and_what_is_none_is_left_alone() {
    let host = TestHost::new().await;
    let mut events = host.bus.subscribe(100);
    for name in ["rude", "rude-auto", ".rude.part", "rude-garbage-define", "rude-misnamed"] {
        host.install(name);
    }
    let directory = host.directory.path().join("plugins");
    fs::create_dir(directory.join("sub")).unwrap();
    fs::write(directory.join("README"), "not to be run").unwrap();
    host.providers.import_all().await;

    let names: Vec<String> = host.providers.list().iter().map(|found| found.definition.name.clone()).collect();
    assert_eq!(names, ["rude", "rude-auto"]);
    assert_eq!(published(&mut events), ["plugin_providers.create.rude", "plugin_providers.create.rude-auto"]);
    let rude = host.providers.get("rude").unwrap();
    assert!(rude.definition.available_actions.iter().all(|action| action.provider == "rude"));
    assert_eq!(rude.definition.meta["Description"], "Misbehaves on command");
    assert!(host.params.declaration("rude/token").unwrap().secure);

    let plugin = host.objects.get("plugins", "rude-auto").unwrap().unwrap();
    assert_eq!((plugin.text("Name"), plugin.text("Provider")), ("rude-auto".into(), "rude-auto".into()));
    assert!(host.objects.get("plugins", "rude").unwrap().is_none());

    let messages = host.messages();
    let has = |start: &str| messages.iter().any(|line| line.starts_with(start));
    assert!(has("Skipping rude-garbage-define because of bad json: "));
    assert!(has("Skipping rude-misnamed because of bad name: "));
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

#[tokio::test]
async fn a_failed_unpack_is_said_in_the_log_and_on_the_record() {
    let host = TestHost::new().await;
    host.providers.import(&host.install("rude-refused-unpack")).await.unwrap();
    let text = "Cannot unpack provider rude-refused-unpack: exit status 3\nno room";
    assert!(host.messages().contains(&text.to_owned()));
    let record = host.providers.get("rude-refused-unpack").unwrap();
    assert_eq!(record.definition.extra["Errors"].parse::<Vec<String>>().unwrap(), [text]);
}

#[tokio::test]
async fn a_refused_definition_names_what_is_wrong() {
    let host = TestHost::with_times(Times { define: Duration::from_millis(300), ..quick() }).await;
    let error = async |name: &str| host.providers.import(&host.install(name)).await.unwrap_err().to_string();
    let refused = error("rude-refused-define").await;
    assert!(refused.starts_with("Skipping rude-refused-define because exit status 1: "), "{refused}");
    assert!(refused.ends_with("\nno licence"), "{refused}");
    let garbage = error("rude-garbage-define").await;
    assert!(garbage.starts_with("Skipping rude-garbage-define because of bad json: expected"), "{garbage}");
    assert!(garbage.ends_with("\nthis is not JSON\n"), "{garbage}");
    assert_eq!(error("rude-old").await, "Skipping rude-old because of bad version: 2");
    let slow = error("rude-endless-define").await;
    assert_eq!(slow, "Skipping rude-endless-define because define failed: it took longer than 300ms");
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
    assert!(matches!(refused("ab", "cd", ""), ImportError::Name { .. }));
    let content = refused("ab", "ab", "a: [");
    assert!(content.to_string().starts_with("Skipping ab because of bad content: cannot read content as YAML: "));
}
