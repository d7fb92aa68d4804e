//! What people have set for their commands.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
};

use drp_core::{
    contract::{
        CA_FILE_ENV, ENDPOINT_ENV, ENDPOINTS_ENV, KEY_ENV, LOCAL_PROXY_ENV, PASSWORD_SETTING, SETTINGS_FILE, TOKEN_ENV,
        URL_PROXY_ENV, USERNAME_SETTING,
    },
    limits,
};

use crate::{Config, ConfigError, Credentials, TlsPolicy, endpoint};

/// What the names of [`SETTINGS_FILE`] mean to this crate; `drpcli` knows more, which say how to print things.
const FILE_NAMES: [&str; 6] = [ENDPOINT_ENV, KEY_ENV, USERNAME_SETTING, PASSWORD_SETTING, TOKEN_ENV, URL_PROXY_ENV];

/// Where the server is if nobody says so, as with `drpcli`.
const ENDPOINT: &str = "https://127.0.0.1:8092";

/// What a person has set for the commands they run: environment variables and `~/.drpclirc`, as `drpcli` knows them.
///
/// | variable | in the file | meaning |
/// |---|---|---|
/// | `RS_ENDPOINT` | yes | URL of the server |
/// | `RS_ENDPOINTS` | no | several URLs, apart by blanks; `RS_ENDPOINT` wins |
/// | `RS_TOKEN` | yes | token; wins over user and password |
/// | `RS_KEY` | yes | `NAME:PASSWORD` |
/// | `RS_USERNAME`, `RS_PASSWORD` | only | the same in two lines; `RS_KEY` wins |
/// | `RS_URL_PROXY` | yes | see [`Config::url_proxy`] |
/// | `RS_LOCAL_PROXY` | no | see [`Config::local_proxy`]; without effect unless a socket is there |
/// | `RS_CA_FILE` | no | see [`TlsPolicy::CaFile`]; `drpcli` does not have it |
///
/// The file wins over a variable, as with `drpcli`. It has one `NAME=value` a line; names that are not known, and anything else,
/// are passed over. There is no user and password that are tried when nobody names any.
///
/// It is for people only: a provider must not follow what its administrator has set for themself, and reads
/// [`Config::from_env`].
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct PeopleSettings {
    /// URLs of servers, of which the first that works is meant; empty if none is set.
    pub endpoints: Vec<String>,
    /// Who speaks.
    pub credentials: Option<Credentials>,
    /// Id of the endpoint behind the server.
    pub url_proxy: Option<String>,
    /// Socket of a local proxy.
    pub local_proxy: Option<PathBuf>,
    /// Certificate authorities of the server.
    pub ca_file: Option<PathBuf>,
    /// What the person should know: who else can read the file, and which settings have no effect. No secrets.
    pub warnings: Vec<String>,
}

impl PeopleSettings {
    /// Reads them.
    ///
    /// # Errors
    /// `RS_KEY` is no `NAME:PASSWORD`, or the file is there but cannot be read.
    pub fn load() -> Result<Self, ConfigError> {
        Self::from_vars(|name| std::env::var(name).ok())
    }

    /// One configuration an endpoint. They believe the CA file, and else the system's roots.
    ///
    /// # Errors
    /// Nothing says who speaks.
    pub fn configs(self) -> Result<Vec<Config>, ConfigError> {
        let credentials = self.credentials.ok_or(ConfigError::NoCredentials)?;
        let tls = self.ca_file.map_or(TlsPolicy::SystemRoots, TlsPolicy::CaFile);
        let mut endpoints = self.endpoints;
        if endpoints.is_empty() {
            endpoints.push(ENDPOINT.to_owned());
        }
        let config = |endpoint| Config {
            tls: tls.clone(),
            url_proxy: self.url_proxy.clone(),
            local_proxy: self.local_proxy.clone(),
            ..Config::new(endpoint, credentials.clone())
        };
        Ok(endpoints.into_iter().map(config).collect())
    }

    fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let var = |name| var(name).filter(|value| !value.trim().is_empty());
        let file = match var("HOME") {
            Some(home) => Self::from_file(&Path::new(&home).join(SETTINGS_FILE))?,
            None => Self::default(),
        };
        let endpoints = match var(ENDPOINT_ENV) {
            Some(endpoint) => vec![endpoint],
            None => var(ENDPOINTS_ENV).iter().flat_map(|list| list.split_whitespace()).map(str::to_owned).collect(),
        };
        let credentials = match (var(TOKEN_ENV), var(KEY_ENV)) {
            (Some(token), _) => Some(Credentials::Token(token.into())),
            (None, Some(key)) => Some(user_password(&key).ok_or(ConfigError::Key)?),
            (None, None) => None,
        };
        let environment = Self {
            endpoints,
            credentials,
            url_proxy: var(URL_PROXY_ENV),
            ca_file: var(CA_FILE_ENV).map(PathBuf::from),
            local_proxy: None,
            warnings: Vec::new(),
        };
        let mut settings = file.over(environment);
        settings.take_local_proxy(var(LOCAL_PROXY_ENV));
        Ok(settings)
    }

    /// What the file says, and where it says nothing, the environment: the order of `drpcli` (`api.md` §2.5), which is
    /// not that of other commands, so it is told where it makes a difference. A token wins over a user, wherever either
    /// comes from.
    fn over(self, environment: Self) -> Self {
        let mut warnings = self.warnings;
        let mut tell = |name: &str| warnings.push(format!("{name} has no effect: ~/{SETTINGS_FILE} wins over it"));
        if !self.endpoints.is_empty() && !environment.endpoints.is_empty() && self.endpoints != environment.endpoints {
            tell(ENDPOINT_ENV);
        }
        let credentials = match (self.credentials, environment.credentials) {
            (Some(Credentials::UserPassword(..)), Some(token @ Credentials::Token(_))) => Some(token),
            (Some(own), Some(other)) => {
                tell(if matches!(other, Credentials::Token(_)) { TOKEN_ENV } else { KEY_ENV });
                Some(own)
            }
            (own, other) => own.or(other),
        };
        Self {
            endpoints: if self.endpoints.is_empty() { environment.endpoints } else { self.endpoints },
            credentials,
            url_proxy: self.url_proxy.or(environment.url_proxy),
            local_proxy: self.local_proxy.or(environment.local_proxy),
            ca_file: self.ca_file.or(environment.ca_file),
            warnings,
        }
    }

    fn take_local_proxy(&mut self, path: Option<String>) {
        let Some(path) = path.map(PathBuf::from) else { return };
        if std::fs::metadata(&path).is_ok_and(|found| found.file_type().is_socket()) {
            self.local_proxy = Some(path);
        } else {
            let path = path.display();
            self.warnings.push(format!("no socket is at {LOCAL_PROXY_ENV} `{path}`: the server is called directly"));
        }
    }

    fn from_file(path: &Path) -> Result<Self, ConfigError> {
        match read(path) {
            Ok(Some((text, mode))) => Ok(Self::parse(&text, &path.display().to_string(), mode)),
            Ok(None) => Ok(Self::default()),
            Err(source) => Err(ConfigError::SettingsFile { path: path.to_owned(), source }),
        }
    }

    /// The settings of a file with this text and these rights.
    fn parse(text: &str, path: &str, mode: u32) -> Self {
        let mut settings = Self::default();
        let (mut token, mut key, mut name, mut password) = (None, None, None, None);
        for (number, line) in (1..).zip(text.lines()) {
            match setting(line) {
                Line::Setting(ENDPOINT_ENV, value) => settings.endpoints = vec![value.to_owned()],
                Line::Setting(URL_PROXY_ENV, value) => settings.url_proxy = Some(value.to_owned()),
                Line::Setting(TOKEN_ENV, value) => token = Some(value),
                Line::Setting(USERNAME_SETTING, value) => name = Some(value),
                Line::Setting(PASSWORD_SETTING, value) => password = Some(value),
                Line::Setting(_, value) => match user_password(value) {
                    Some(found) => key = Some(found),
                    None => settings.warnings.push(format!("{path}:{number}: {KEY_ENV} is no NAME:PASSWORD")),
                },
                Line::Meant(name) => {
                    settings
                        .warnings
                        .push(format!("{path}:{number}: {name} is without effect: the line must be {name}=value"));
                }
                Line::Other => {}
            }
        }
        let of_two_lines = || match (name, password) {
            (Some(name), Some(password)) => user_password(&format!("{name}:{password}")),
            _ => None,
        };
        let has_secret = token.is_some() || key.is_some() || password.is_some();
        settings.credentials = token.map(|token| Credentials::Token(token.into())).or(key).or_else(of_two_lines);
        if has_secret && mode & 0o077 != 0 {
            let text =
                format!("{path} holds a secret and is open to others (mode {:03o}): chmod 600 {path}", mode & 0o777);
            settings.warnings.push(text);
        }
        settings
    }
}

/// Without the credentials, wherever they are.
impl fmt::Debug for PeopleSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoints: Vec<_> = self.endpoints.iter().map(|url| endpoint::presentable(url)).collect();
        f.debug_struct("PeopleSettings")
            .field("endpoints", &endpoints)
            .field("credentials", &self.credentials)
            .field("url_proxy", &self.url_proxy)
            .field("local_proxy", &self.local_proxy)
            .field("ca_file", &self.ca_file)
            .field("warnings", &self.warnings)
            .finish()
    }
}

enum Line<'a> {
    /// A known name and its value.
    Setting(&'static str, &'a str),
    /// Somebody meant a known name, but wrote it as `drpcli` does not read it: with `export` or blanks before the
    /// equals sign, or without one.
    Meant(&'static str),
    Other,
}

/// As `drpcli` reads lines: blanks around them do not matter, quotes stay, and the value begins right behind the first
/// equals sign.
fn setting(line: &str) -> Line<'_> {
    let line = line.trim();
    let known = |name: &str| FILE_NAMES.into_iter().find(|known| *known == name);
    if let Some((name, value)) = line.split_once('=')
        && let Some(name) = known(name)
    {
        return if value.is_empty() { Line::Other } else { Line::Setting(name, value) };
    }
    let meant = line.strip_prefix("export ").unwrap_or(line).split('=').next().unwrap_or_default();
    known(meant.trim()).map_or(Line::Other, Line::Meant)
}

fn user_password(key: &str) -> Option<Credentials> {
    let (name, password) = key.split_once(':')?;
    let is_whole = !name.is_empty() && !password.is_empty();
    is_whole.then(|| Credentials::UserPassword(name.to_owned(), password.into()))
}

/// The text of a settings file and its rights, or `None` where there is none.
fn read(path: &Path) -> io::Result<Option<(String, u32)>> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    // To open a pipe would wait for its other end.
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut text = String::new();
    File::open(path)?.take(limits::SETTINGS_FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > limits::SETTINGS_FILE_BYTES_MAX {
        return Err(io::Error::other(format!("it is larger than {} bytes", limits::SETTINGS_FILE_BYTES_MAX)));
    }
    Ok(Some((text, metadata.permissions().mode())))
}

#[cfg(test)]
mod tests;
