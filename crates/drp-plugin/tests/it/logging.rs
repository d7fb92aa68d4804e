//! Log lines on their way to the host.

use serde_json::{Value, json};

use raw_peer::send;

use crate::peer::{ACTION, CONFIG, Host, RS_TOKEN, SECRET, STOP, Start, action};

#[test]
fn lines_reach_the_host_as_log_lines() {
    let host = Host::configured();
    host.act("log", &json!({"subject/count": 1}));
    let line = host.callbacks.wait_for_line("line 0");
    let keys: Vec<&String> = line.as_object().unwrap().keys().collect();
    let mut expected =
        ["Group", "Seq", "Time", "Service", "Principal", "Level", "File", "Line", "Message", "Data", "IgnorePublish"];
    expected.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!(
        (&line["Level"], &line["Service"], &line["IgnorePublish"]),
        (&json!("info"), &json!("subject"), &json!(false))
    );
}

#[test]
fn a_planted_secret_is_in_no_line_and_no_error() {
    let mut host = Host::configured();
    let (status, body) = host.act("leak", &json!({}));
    assert_eq!((status, &body["Messages"]), (502, &json!(["the service refused token [secret]"])));
    host.callbacks.wait_for_line("token=[secret] and Ok(\"[secret]\")");
    host.callbacks.wait_for_line("its token [secret]");
    host.post(STOP, &Value::Null);
    host.wait_for_exit();
    for line in host.callbacks.lines() {
        assert!(!line.to_string().contains(SECRET) && !line.to_string().contains(RS_TOKEN), "{line}");
    }
    let mut err = String::new();
    std::io::Read::read_to_string(&mut host.err.take().unwrap(), &mut err).unwrap();
    assert!(!err.contains(SECRET), "{err}");
}

#[test]
fn a_secret_in_an_error_or_panic_is_cut_out_though_its_call_has_ended() {
    const PASSWORD: &str = "hunter2-0815";
    let host = Host::start();
    let config = |limit: u8| json!({"subject/token": PASSWORD, "subject/limit": limit});
    let (status, body) = host.post(CONFIG, &config(97));
    assert_eq!((status, &body["Messages"]), (502, &json!(["the service refused token [secret]"])));
    assert_eq!(host.post(CONFIG, &config(96)).0, 500);
    host.configure();
    let login = |panic: bool| host.act("login", &json!({"subject/password": PASSWORD, "subject/panic": panic}));
    let (status, body) = login(false);
    assert_eq!((status, &body["Messages"]), (502, &json!(["the service refused [secret]"])));
    assert_eq!(login(true).0, 500);
    host.callbacks.wait_for_line("no use for token [secret]");
    host.callbacks.wait_for_line("no use for [secret]");
    for line in host.callbacks.lines() {
        assert!(!line.to_string().contains(PASSWORD), "{line}");
    }
}

#[test]
fn without_its_host_a_plugin_answers_and_its_memory_stays() {
    const GROWTH_KB_MAX: u64 = 32_000;
    let mut host = Host::configured();
    std::fs::remove_file(host.dir.path().join("from")).unwrap();
    let err = host.err.take().unwrap();
    let reader = std::thread::spawn(move || std::io::read_to_string(err).unwrap());
    let before = host.memory_kb();
    for _ in 0..20 {
        assert_eq!(host.act("log", &json!({"subject/count": 1000})).0, 200);
    }
    let growth = host.memory_kb().saturating_sub(before);
    assert!(growth < GROWTH_KB_MAX, "{growth} kB");
    host.post(STOP, &Value::Null);
    assert!(host.wait_for_exit().success());
    // The connection to the host is still open, so what was logged last may have gone either way; the count must not.
    let local = reader.join().unwrap().matches("line ").count();
    let posted = host.callbacks.lines().len();
    assert!(local + posted > 0);
}

#[test]
fn where_the_real_callback_path_is_unknown_the_documented_one_is_used() {
    let host = Host::start_with(&Start { prefix: Some("/api-plugin-server/v4"), ..Start::default() });
    host.configure();
    host.act("log", &json!({"subject/count": 3}));
    host.callbacks.wait_for_line("line 2");
}

#[test]
fn a_request_may_ask_for_its_own_level_and_a_token() {
    let host = Host::configured();
    let body = action("limit", &json!({})).to_string();
    let json = ("Content-Type", "application/json");
    send(&host.socket(), "POST", ACTION, &[json, ("X-Log-Request", "trace"), ("X-Log-Token", "tok-123")], &body);
    host.callbacks.wait_for_line("Log token: tok-123");
    // At that level the request itself is a line.
    host.callbacks.wait_for_line("API: st: 200");
    send(&host.socket(), "POST", ACTION, &[json, ("X-Log-Request", "bogus")], &body);
    host.callbacks.wait_for_line("Invalid requested log level bogus");
}

#[test]
fn the_last_lines_are_not_lost_at_stop() {
    let mut host = Host::configured();
    host.act("log", &json!({"subject/count": 500}));
    host.post(STOP, &Value::Null);
    host.wait_for_exit();
    host.callbacks.wait_for_line("line 499");
    host.callbacks.wait_for_line("the stop hook ran");
}
