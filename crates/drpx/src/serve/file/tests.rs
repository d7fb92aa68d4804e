#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, path::PathBuf};

use super::*;

const EXAMPLE: &str = include_str!("../../../../../docs/drpx.toml");

fn parsed(text: &str) -> Result<Settings, String> {
    let mut settings = Settings::default();
    match parse(text, "drpx.toml", Path::new("/etc/drpx"), &mut settings) {
        Ok(()) => Ok(settings),
        Err(problems) => Err(problems.to_string()),
    }
}

#[test]
fn settings_are_taken_over_and_paths_are_relative_to_the_file() {
    let settings = parsed(
        r#"
        data = "/var/lib/drpx"
        listen = "0.0.0.0:8092"
        content = "content"
        admin = { password = "file:admin" }
        tls.cert = "server.pem"
        log = { format = "json", level = "warn" }
        [times]
        action = "2h 30m"
        restart_wait_max = "90s"
        [retention]
        job_log_bytes = 1_000_000
        "#,
    )
    .unwrap();
    assert_eq!(settings.host.listen, "0.0.0.0:8092".parse().unwrap());
    assert_eq!(settings.host.content, Some(PathBuf::from("/etc/drpx/content")));
    assert_eq!(settings.data, Some(PathBuf::from("/var/lib/drpx")));
    assert_eq!(settings.tls_cert, Some(PathBuf::from("/etc/drpx/server.pem")));
    assert_eq!(settings.admin_password.as_deref(), Some("file:/etc/drpx/admin"));
    assert_eq!(settings.log_level, super::super::LogLevel::Warn);
    assert_eq!(settings.host.times.action, Some(Duration::from_secs(9000)));
    assert_eq!(settings.host.times.restart_wait_max, Duration::from_secs(90));
    assert_eq!(settings.host.retention.job_log_bytes, 1_000_000);
}

#[test]
fn all_problems_are_told_at_once_with_their_places() {
    let problems = parsed(
        "listen = \"8092\"\ncolour = \"red\"\n\n[times]\n  config = 30\nstop = \"fast\"\njobs = 3\n[limits]\nwebsockets = 0\n[log]\nlevel = \"loud\"\n[admin]\nname = 7\n[content]\n",
    )
    .unwrap_err();
    assert_eq!(
        problems,
        r#"drpx.toml:1:10: listen: expected an address with a port such as "0.0.0.0:8092", found "8092"
drpx.toml:2:1: unknown key colour
drpx.toml:5:12: times.config: expected a time such as "30s" in quotes, found 30
drpx.toml:6:8: times.stop: expected a time such as "30s", "5m" or "2h 30m", found "fast"
drpx.toml:7:1: unknown key times.jobs; retention.jobs is one
drpx.toml:9:14: limits.websockets: expected a whole number from 1 to 1099511627776, found 0
drpx.toml:11:9: log.level: expected "trace" or "debug" or "info" or "warn" or "error", found "loud"
drpx.toml:13:8: admin.name: expected a text in quotes, found 7
drpx.toml:14:1: content: expected a path in quotes, found a table"#
    );
}

#[test]
fn what_is_no_toml_is_told_with_its_place() {
    let problems =
        parsed("data = \"/x\"\nlisten = \nlisten = \"127.0.0.1:1\"\nlisten = \"127.0.0.1:2\"\n").unwrap_err();
    assert!(problems.contains("drpx.toml:2:"), "{problems}");
    assert!(problems.contains("drpx.toml:4:1: duplicate key"), "{problems}");
    let problems = parsed("times = 3").unwrap_err();
    assert_eq!(problems, "drpx.toml:1:9: times: expected a table");
}

/// Every value that stands in the example, its settings without a default included if `all`.
fn example(all: bool) -> String {
    let lines = EXAMPLE.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if all && !setting.starts_with(' ') => setting,
        _ => line,
    });
    lines.fold(String::new(), |text, line| text + line + "\n")
}

#[test]
fn the_example_has_the_defaults_and_every_setting() {
    let settings = parsed(&example(false)).unwrap();
    assert_eq!(format!("{settings:?}"), format!("{:?}", Settings::default()));

    parsed(&example(true)).unwrap();
    let text = example(true);
    let (table, _) = DeTable::parse_recoverable(&text);
    let mut found = BTreeSet::new();
    for (name, value) in table.get_ref() {
        match value.get_ref() {
            DeValue::Table(table) => {
                found.extend(table.keys().map(|key| format!("{}.{}", name.get_ref(), key.get_ref())))
            }
            _ => drop(found.insert(name.get_ref().to_string())),
        }
    }
    assert_eq!(found, SETTINGS.iter().map(|setting| setting.key.to_owned()).collect());
}
