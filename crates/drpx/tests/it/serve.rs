//! `drpx serve` as an operator has it: its configuration, its signals, what it says and to whom.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::{fs::PermissionsExt, net::UnixDatagram},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::{Arc, Mutex},
};

use drp_client::{Client, Config, Credentials, TlsPolicy};
use drp_core::{Machine, Params};
use rcgen::{CertificateParams, KeyPair};
use rustix::process::{Pid, Signal, kill_process};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, pki_types::pem::PemObject};
use serde_json::{Value, json};

use crate::process::{PATIENCE, Server, drpx, eventually, incrementer, texts};

const PASSWORD: &str = "correct \"horse\" battery";

/// A server with a configuration file, and all that it says.
struct Served {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    dir: tempfile::TempDir,
}

impl Served {
    /// A server of `config`, which has what is the same for all tests before it. `prepare` may make further files.
    fn start(config: &str, prepare: impl FnOnce(&Path)) -> Self {
        Self::start_with(config, prepare, &[])
    }

    fn start_with(config: &str, prepare: impl FnOnce(&Path), env: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path());
        let password = dir.path().join("password");
        fs::write(&password, format!("{PASSWORD}\n")).unwrap();
        fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
        let head = "data = \"data\"\nlisten = \"127.0.0.1:0\"\nadmin.password = \"file:password\"\n";
        fs::write(dir.path().join("drpx.toml"), format!("{head}{config}")).unwrap();
        let mut command = drpx();
        command.args(["serve", "--config"]).arg(dir.path().join("drpx.toml")).envs(env.iter().copied());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let (stderr, said) = (child.stderr.take().unwrap(), Arc::clone(&lines));
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                said.lock().unwrap().push(line);
            }
        });
        let served = Self { child, lines, dir };
        served.wait_for("serving");
        served
    }

    /// The first line with a text in it.
    fn wait_for(&self, text: &str) -> String {
        let found = || self.lines.lock().unwrap().iter().find(|line| line.contains(text)).cloned();
        eventually(PATIENCE, text, found)
    }

    /// The URL in a line that has it.
    fn url(&self, scheme: &str) -> String {
        let line = self.wait_for(scheme);
        let url = line.split(['"', ' ']).find(|word| word.starts_with(scheme)).unwrap();
        url.trim_end_matches("/api/v3").to_owned()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The exit code once it has ended.
    fn exit(&mut self) -> Option<i32> {
        eventually(PATIENCE, "the server ends", || self.child.try_wait().unwrap()).code()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The result of an action, by a client that verifies the server with `ca_file`.
    fn action(&self, args: &[&str], ca_file: &Path) -> (String, String, Option<i32>) {
        let mut command = drpx();
        command.arg("action").args(args).env("RS_ENDPOINT", self.url("https://"));
        command.env("RS_KEY", format!("rocketskates:{PASSWORD}")).env("RS_CA_FILE", ca_file);
        texts(&command.output().unwrap())
    }

    /// A TLS connection to the API.
    fn connect(&self) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        let ca = rustls::pki_types::CertificateDer::from_pem_file(self.path("data/tls/ca.pem")).unwrap();
        roots.add(ca).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(self.url("https://").trim_start_matches("https://")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        StreamOwned::new(ClientConnection::new(Arc::new(config), "127.0.0.1".try_into().unwrap()).unwrap(), stream)
    }

    /// Begins to upload a file of ten bytes, and sends half of it.
    fn begin_upload(&self) -> StreamOwned<ClientConnection, TcpStream> {
        use base64::Engine as _;
        let credentials = base64::prelude::BASE64_STANDARD.encode(format!("rocketskates:{PASSWORD}"));
        let mut stream = self.connect();
        let head = format!(
            "POST /api/v3/files/slow HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {credentials}\r\n\
             Content-Type: application/octet-stream\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.flush().unwrap();
        // The server asks for the body when its handler runs.
        let mut answer = [0; 25];
        stream.read_exact(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 100 Continue"), "{}", String::from_utf8_lossy(&answer));
        stream.write_all(b"01234").unwrap();
        stream.flush().unwrap();
        stream
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes a certificate for a public name, and its key.
fn new_certificate(dir: &Path) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["drp.example.com".to_owned()]).unwrap().self_signed(&key).unwrap();
    fs::write(dir.join("drp.pem"), certificate.pem()).unwrap();
    fs::write(dir.join("drp.key"), key.serialize_pem()).unwrap();
    fs::set_permissions(dir.join("drp.key"), fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_configuration_is_refused_with_all_its_problems_before_anything_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("drpx.toml");
    let check = |text: &str, args: &[&str], expected: &[&str]| {
        fs::write(&config, format!("data = \"data\"\n{text}")).unwrap();
        let output = drpx().args(["serve", "--config"]).arg(&config).args(args).output().unwrap();
        let (stdout, stderr, code) = texts(&output);
        assert_eq!((stdout.as_str(), code), ("", Some(2)), "{stderr}");
        for part in expected {
            assert!(stderr.contains(part), "{stderr}: {part}");
        }
        assert!(!stderr.contains("hunter2"), "{stderr}");
        assert!(!dir.path().join("data").exists());
    };
    let places = ["drpx.toml:2:1: unknown key colour", "drpx.toml:3:16: times.define: expected a time"];
    check("colour = 1\ntimes.define = 3\n", &[], &places);
    check(
        "tls.cert = \"x\"\nadmin.password = \"hunter2\"\n",
        &[],
        &["a certificate needs its key", "\"env:VARIABLE\""],
    );
    check("colour = 1\n", &["--log-format", "json"], &["{\"time\":\"", "unknown key colour"]);
    let (_, stderr, code) = texts(&drpx().arg("serve").output().unwrap());
    assert!(stderr.contains("there is no data directory") && code == Some(2), "{stderr}");
}

#[test]
fn a_made_up_password_is_said_once_and_not_before_the_server_can_listen() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let said = |listen: &str| {
        let mut command = drpx();
        command.args(["serve", "--listen", listen, "--data"]).arg(dir.path().join("data"));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        for line in BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok) {
            said += &line;
            if line.contains("certificate verified by") {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        said
    };
    let failed = said(&listen);
    assert!(failed.contains("cannot listen on") && !failed.contains("password"), "{failed}");
    assert!(said("127.0.0.1:0").contains("user rocketskates with password"));
    assert!(!said("127.0.0.1:0").contains("password"));
}

#[test]
fn every_line_is_json_where_that_is_asked_for_and_none_shows_the_password() {
    let mut served = Served::start("log.format = \"json\"\n", |_| {});
    let (_, stderr, code) = served.action(&["system", "nothing"], &served.path("data/tls/ca.pem"));
    assert!(code == Some(1) && stderr.contains("not found") || stderr.contains("Not Found"), "{stderr}");
    served.signal(Signal::TERM);
    assert_eq!(served.exit(), Some(0));
    served.wait_for("stopping");
    let lines = served.lines.lock().unwrap();
    for line in lines.iter() {
        let json: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let has = |key: &str| json[key].is_string();
        assert!(has("time") && has("level") && has("service") && has("message"), "{line}");
    }
    let all = lines.join("\n");
    assert!(!all.contains("horse") && !all.contains("user rocketskates"), "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_works_under_an_own_certificate_and_its_successor_and_a_hangup_brings_content() {
    let config = "content = \"content\"\ntls = { cert = \"drp.pem\", key = \"drp.key\" }\n";
    let served = Served::start(config, |dir| {
        new_certificate(dir);
        for made in ["content", "data/plugins"] {
            fs::create_dir_all(dir.join(made)).unwrap();
        }
        fs::copy(incrementer(), dir.join("data/plugins/incrementer")).unwrap();
        let bundle = "meta: {Name: site}\nsections:\n  plugins:\n    incr: {Name: incr, Provider: incrementer}\n";
        fs::write(dir.join("content/site.yaml"), bundle).unwrap();
        fs::write(dir.join("data/plugins/broken"), "#!/bin/sh\necho nonsense\n").unwrap();
        fs::set_permissions(dir.join("data/plugins/broken"), fs::Permissions::from_mode(0o700)).unwrap();
    });
    let trusted = served.path("data/tls/trusted.pem");
    // Each client is new, and so shakes hands with the certificate of the moment.
    let client = || {
        let credentials = Credentials::UserPassword("rocketskates".into(), PASSWORD.into());
        let mut config = Config::new(served.url("https://"), credentials);
        config.tls = TlsPolicy::CaFile(trusted.clone());
        Client::new(config).unwrap()
    };
    let works =
        async || client().objects::<Machine>().run_action("Name:demo", "increment", &Params::default()).await.unwrap();
    // Said while the server starts.
    served.wait_for("contents info: Content site of ");
    served.wait_for("Skipping broken because of bad json");
    served.wait_for("Plugin incr is configured");
    client().raw_objects("machines").create(&json!({ "Name": "demo" })).await.unwrap();
    works().await;
    new_certificate(served.dir.path());
    fs::write(served.path("content/more.yaml"), "meta: {Name: more}\n").unwrap();
    fs::write(served.path("content/site.yaml"), "meta: [").unwrap();
    served.signal(Signal::HUP);
    served.wait_for("certificate replaced; content: 1 changed, 0 unchanged, 1 refused");
    served.wait_for("Content more of ");
    served.wait_for("site.yaml is refused: cannot read content as YAML");
    works().await;
    // Another hangup finds the server as willing as before.
    fs::write(served.path("drp.key"), "no key").unwrap();
    served.signal(Signal::HUP);
    served.wait_for("certificate refused; content: 0 changed, 1 unchanged, 1 refused");
    works().await;
}

#[test]
fn a_stop_answers_the_request_in_flight() {
    let mut served = Served::start("", |_| {});
    let mut upload = served.begin_upload();
    served.signal(Signal::TERM);
    served.wait_for("stopping");
    upload.write_all(b"56789").unwrap();
    upload.flush().unwrap();
    let mut answer = Vec::new();
    let _ = upload.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert_eq!(served.exit(), Some(0));
    assert_eq!(fs::read(served.path("data/tftpboot/files/slow")).unwrap(), b"0123456789");
}

#[test]
fn a_server_may_open_as_many_files_as_the_system_allows() {
    let place = tempfile::tempdir().unwrap();
    let server = Server::start_with_few_descriptors(place.path());
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.child.id())).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let values: Vec<&str> = line.split_whitespace().collect();
    assert!(values[0] == values[1] && values[0] != "256", "{line}");
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut served = Served::start("times.drain = \"10m\"\n", |_| {});
    let _upload = served.begin_upload();
    served.signal(Signal::TERM);
    served.wait_for("stopping");
    assert_eq!(served.child.try_wait().unwrap(), None);
    served.signal(Signal::TERM);
    assert_eq!(served.exit(), Some(130));
}

#[test]
fn systemd_is_told_and_operators_have_a_port_of_their_own() {
    let sockets = tempfile::tempdir().unwrap();
    let path = sockets.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let told = || {
        let mut text = [0; 1024];
        let length = socket.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..length]).into_owned()
    };
    let env = [("NOTIFY_SOCKET", path.to_str().unwrap())];
    let mut served = Served::start_with("metrics_listen = \"127.0.0.1:0\"\n", |_| {}, &env);
    assert_eq!(told().trim(), "READY=1");
    let address = served.url("http://").trim_start_matches("http://").trim_end_matches("/metrics").to_owned();
    let ask = |path: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(ask("/ready").ends_with(r#"{"ready":true,"reasons":[]}"#));
    served.signal(Signal::HUP);
    assert!(told().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert_eq!(told().trim(), "READY=1");
    assert!(ask("/metrics").contains("drpx_reloads_total{result=\"ok\"} 1"));
    served.signal(Signal::TERM);
    assert_eq!(told().trim(), "STOPPING=1");
    assert_eq!(served.exit(), Some(0));
}
