use std::{fs, os::unix::fs::PermissionsExt};

use super::*;

const FILE: &str = "/home/bob/.drpclirc";

fn parse(text: &str) -> PeopleSettings {
    PeopleSettings::parse(text, FILE, 0o600)
}

fn from(vars: &[(&str, &str)]) -> Result<PeopleSettings, ConfigError> {
    PeopleSettings::from_vars(|name| vars.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
}

/// `token:…` or `user:password`.
fn who(settings: &PeopleSettings) -> Option<String> {
    settings.credentials.as_ref().map(|credentials| match credentials {
        Credentials::Token(token) => format!("token:{}", token.expose()),
        Credentials::UserPassword(name, password) => format!("{name}:{}", password.expose()),
    })
}

/// Each line was given to `drpcli`, and what it then asked which server was looked at.
#[test]
fn the_file_is_read_as_drpcli_reads_it() {
    let check = |text: &str, endpoint: &str, credentials: &str| {
        let settings = parse(text);
        let found = settings.endpoints.first().map(String::as_str).unwrap_or_default();
        assert_eq!((found, who(&settings).unwrap_or_default().as_str()), (endpoint, credentials), "{text}");
    };
    check("RS_ENDPOINT=https://h:1\nRS_KEY=a:b\n", "https://h:1", "a:b");
    check("# mine\n\n  RS_ENDPOINT=https://h:1  \r\nRS_KEY=a:b:c", "https://h:1", "a:b:c");
    check("RS_ENDPOINT=https://h:1\nRS_USERNAME=u\nRS_PASSWORD=p=q\n", "https://h:1", "u:p=q");
    check("RS_USERNAME=u\nRS_PASSWORD=p\nRS_KEY=k:l\n", "", "k:l");
    check("RS_TOKEN=t==\nRS_KEY=a:b\n", "", "token:t==");
    check("RS_ENDPOINT=\"https://h:1\"\n", "\"https://h:1\"", "");
    check("RS_ENDPOINT = https://h:1\nexport RS_KEY=a:b\nRS_TOKEN\n", "", "");
    check("RS_USERNAME=u\nRS_KEY=a\nWHAT=ever\nnonsense\nRS_CA_FILE=/x\n", "", "");
    check("RS_TOKEN=\n", "", "");
    assert_eq!(parse("RS_URL_PROXY=site-1").url_proxy.as_deref(), Some("site-1"));
}

#[test]
fn lines_without_effect_are_told_and_never_quoted() {
    let settings = parse("RS_ENDPOINT = https://h:1\nexport RS_TOKEN=s3cret\nRS_PASSWORD\nRS_KEY=s3cret\nWHAT=s3cret");
    let expected = [
        "/home/bob/.drpclirc:1: RS_ENDPOINT is without effect: the line must be RS_ENDPOINT=value",
        "/home/bob/.drpclirc:2: RS_TOKEN is without effect: the line must be RS_TOKEN=value",
        "/home/bob/.drpclirc:3: RS_PASSWORD is without effect: the line must be RS_PASSWORD=value",
        "/home/bob/.drpclirc:4: RS_KEY is no NAME:PASSWORD",
    ];
    assert_eq!(settings.warnings, expected);
}

#[test]
fn a_secret_that_others_can_read_is_told() {
    let check = |text: &str, mode: u32, expected: usize| {
        let settings = PeopleSettings::parse(text, FILE, mode);
        assert_eq!(settings.warnings.len(), expected, "{text} {mode:o} {:?}", settings.warnings);
        assert!(settings.warnings.iter().all(|warning| warning.ends_with("chmod 600 /home/bob/.drpclirc")));
    };
    for secret in ["RS_KEY=a:b", "RS_TOKEN=t", "RS_USERNAME=u\nRS_PASSWORD=p", "RS_PASSWORD=p"] {
        check(secret, 0o100_600, 0);
        check(secret, 0o100_640, 1);
        check(secret, 0o100_604, 1);
    }
    check("RS_ENDPOINT=https://h:1", 0o100_644, 0);
}

#[test]
fn the_file_wins_over_the_environment_and_a_token_over_both() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(SETTINGS_FILE);
    let write = |text: &str| {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    };
    let home = ("HOME", home.path().to_str().unwrap());

    write("RS_ENDPOINT=https://file:1\nRS_KEY=file:s3cret\n");
    let settings = from(&[home, ("RS_URL_PROXY", "site")]).unwrap();
    assert_eq!((settings.endpoints[0].as_str(), who(&settings).unwrap().as_str()), ("https://file:1", "file:s3cret"));
    assert_eq!(settings.url_proxy.as_deref(), Some("site"));
    assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);

    let settings = from(&[home, ("RS_ENDPOINTS", "https://a:1  https://b:1"), ("RS_KEY", "env:pw")]).unwrap();
    assert_eq!((settings.endpoints.len(), who(&settings).unwrap().as_str()), (1, "file:s3cret"));
    assert_eq!(settings.warnings.len(), 2, "{:?}", settings.warnings);
    assert!(!format!("{settings:?}").contains("s3cret"));

    assert_eq!(who(&from(&[home, ("RS_TOKEN", "t")]).unwrap()).unwrap(), "token:t");
    write("RS_TOKEN=file");
    assert_eq!(who(&from(&[home, ("RS_KEY", "env:pw"), ("RS_TOKEN", "t")]).unwrap()).unwrap(), "token:file");
}

#[test]
fn one_endpoint_wins_over_several_as_with_drpcli() {
    let vars = [("RS_ENDPOINT", "https://a:1"), ("RS_ENDPOINTS", "https://b:1 https://c:1")];
    assert_eq!(from(&vars).unwrap().endpoints, ["https://a:1"]);
    assert_eq!(from(&vars[1..]).unwrap().endpoints, ["https://b:1", "https://c:1"]);
}

#[test]
fn nothing_is_guessed_but_the_address_of_this_machine() {
    assert!(matches!(from(&[]).unwrap().configs(), Err(ConfigError::NoCredentials)));
    let configs = from(&[("RS_TOKEN", "t"), ("RS_CA_FILE", "/ca.pem")]).unwrap().configs().unwrap();
    assert_eq!((configs.len(), configs[0].endpoint.as_str()), (1, "https://127.0.0.1:8092"));
    assert!(matches!(&configs[0].tls, TlsPolicy::CaFile(path) if path == Path::new("/ca.pem")));
    let error = from(&[("RS_KEY", "s3cret")]).unwrap_err();
    assert!(matches!(error, ConfigError::Key) && !error.to_string().contains("s3cret"));
}

#[test]
fn a_local_proxy_is_taken_where_a_socket_is() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("proxy.sock");
    let name = path.to_str().unwrap();
    let settings = from(&[("RS_LOCAL_PROXY", name)]).unwrap();
    assert_eq!((settings.local_proxy, settings.warnings.len()), (None, 1));
    let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let settings = from(&[("RS_LOCAL_PROXY", name)]).unwrap();
    assert_eq!((settings.local_proxy, settings.warnings.len()), (Some(path.clone()), 0));
}

#[test]
fn a_file_that_is_none_is_refused_and_never_waited_for() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(SETTINGS_FILE);
    let vars = [("HOME", home.path().to_str().unwrap())];
    assert!(from(&vars).is_ok(), "no file at all");
    let refusal = || match from(&vars) {
        Err(error @ ConfigError::SettingsFile { .. }) => drp_core::chain(&error),
        other => panic!("{other:?}"),
    };
    fs::create_dir(&path).unwrap();
    assert!(refusal().ends_with("it is no regular file"));
    fs::remove_dir(&path).unwrap();
    fs::write(&path, "x".repeat(usize::try_from(limits::SETTINGS_FILE_BYTES_MAX).unwrap() + 1)).unwrap();
    assert!(refusal().ends_with("bytes"));
    fs::write(&path, [0xff, 0xfe]).unwrap();
    refusal();
}
