use std::path::Path;

use drp_core::{Machine, Plugin, Raw, patch::Operation};
use serde_json::Value;

use super::*;

const UUID: &str = "fbefdb0d-6c78-4bc7-86f2-f26ec747be24";

#[test]
fn what_would_break_the_url_is_escaped_and_slashes_stay() {
    let check = |key: &str, expected: &str| {
        let request = Request::get("params", key).unwrap();
        assert_eq!(request.path_and_query(), format!("/params/{expected}"));
        // The library that sends it reads the same path out of it, and no query or other host.
        let http = request.to_http("https://h:1/api/v3").unwrap();
        let url: reqwest::Url = http.uri().to_string().parse().unwrap();
        assert_eq!(url.as_str(), format!("https://h:1/api/v3/params/{expected}"));
    };
    check("incrementer/step", "incrementer/step");
    check("Name:web-1_a.example.com", "Name:web-1_a.example.com");
    check("a?b#c%d e", "a%3Fb%23c%25d%20e");
    check(r"a\..\b", "a%5C..%5Cb");
    check("%2e%2e/x", "%252e%252e/x");
    check("é\n", "%C3%A9%0A");
    check("a@b+c=d&e$f,g;h", "a@b+c=d&e$f,g;h");
}

#[test]
fn paths_that_would_lead_elsewhere_are_not_built() {
    for key in ["..", ".", "../users/rocketskates", "a/../../b", "a/."] {
        assert!(matches!(Request::get("machines", key), Err(BuildRequestError::DotPart(_))), "{key}");
    }
    // An empty key would list, and with DELETE of jobs remove, all of them.
    assert!(matches!(Request::delete("jobs", ""), Err(BuildRequestError::EmptyPart(_))));
    assert!(matches!(Request::param("machines", "x", ""), Err(BuildRequestError::EmptyPart(_))));
}

#[test]
fn queries_are_escaped_as_go_escapes_them() {
    let request = Request::list("machines").unwrap().query("Name", "Eq(a.b)").query("limit", "1");
    assert_eq!(request.path_and_query(), "/machines?Name=Eq%28a.b%29&limit=1");
}

#[test]
fn an_action_without_params_still_has_a_body() {
    let request = Request::run_action("jobs", "x", "go", &Params::default()).unwrap();
    assert_eq!(request.path_and_query(), "/jobs/x/plugin_actions/go");
    assert_eq!(request.body(), Some(&b"{}"[..]));
}

#[test]
fn headers_are_those_of_the_go_client() {
    let headers = |request: &Request| {
        let http = request.to_http("https://h/api/v3").unwrap();
        http.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect::<Vec<_>>()
    };
    let read = ["accept: application/json", "cache-control: no-store"];
    assert_eq!(headers(&Request::info().unwrap()), read);
    let write = ["accept: application/json", "cache-control: no-store", "content-type: application/json"];
    assert_eq!(headers(&Request::patch("machines", "x", &Patch::default()).unwrap()), write);
}

/// A recorded exchange: method, path below `/api/v3`, body.
type Recorded = (String, String, String);

fn recorded(file: &str, dir: &str) -> Option<Vec<Recorded>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/wire").join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        #[allow(clippy::print_stdout, reason = "a skipped test says so")]
        {
            println!("skipped: {} is absent", path.display());
        }
        return None;
    };
    let exchanges = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let ours = exchanges.filter(|exchange| exchange["dir"] == dir);
    Some(ours.map(|x| (text(&x, "method"), text(&x, "path").replace("/api/v3", ""), text(&x, "body"))).collect())
}

/// Whether the request stands in the recording: same method and path, and a body that means the same.
fn assert_recorded(recording: &[Recorded], request: &Request) {
    let body = request.body().map(|body| String::from_utf8(body.to_vec()).unwrap()).unwrap_or_default();
    let same_body = |recorded: &str| match (recorded, body.as_str()) {
        ("", ours) | (ours, "") => recorded == ours,
        (recorded, ours) => {
            serde_json::from_str::<Raw>(recorded).unwrap() == serde_json::from_str::<Raw>(ours).unwrap()
        }
    };
    let same = |(method, path, body): &Recorded| {
        *method == request.method().as_str() && *path == request.path_and_query() && same_body(body)
    };
    assert!(recording.iter().any(same), "{request} {} with `{body}` was never recorded", request.path_and_query());
}

#[test]
fn a_go_plugin_sends_the_same_requests() {
    let Some(recording) = recorded("listen-incrementer.jsonl", "plugin->api") else { return };
    let machine = "87a74f0e-d168-4687-99e8-8fd3a7ed551b";
    let sent = [
        Request::param("machines", machine, "incrementer/default"),
        Request::set_param("machines", machine, "incrementer/default", &1),
        Request::set_param("machines", machine, "foo/bar", &5),
        Request::delete_param("machines", machine, "incrementer/touched"),
    ];
    for request in sent {
        assert_recorded(&recording, &request.unwrap());
    }
}

#[test]
fn drpcli_sends_the_same_requests() {
    let Some(recording) = recorded("drpcli-machines.jsonl", "client->api") else { return };
    let mut step = Params::default();
    step.set("incrementer/step", &10).unwrap();
    let mut parameter = Params::default();
    parameter.set("incrementer/parameter", "fred").unwrap();
    let description =
        Patch(vec![Operation::test("/Description", "".into()), Operation::replace("/Description", "hello".into())]);
    let plugin = Plugin { name: "incrX".to_owned(), provider: "incrementer".to_owned(), ..Plugin::default() };
    let run = |command, params: &Params| Request::run_action("machines", UUID, command, params).unwrap();
    let sent = [
        Request::info().unwrap(),
        Request::list("machines").unwrap(),
        Request::list("machines").unwrap().query("Name", "cli1.example.com"),
        Request::list("machines")
            .unwrap()
            .query("Name", "Eq(cli1.example.com)")
            .query("limit", "1")
            .query("sort", "Name"),
        Request::get("machines", UUID).unwrap(),
        Request::get("machines", "Name:cli1.example.com").unwrap(),
        Request::get("params", "foo/bar").unwrap(),
        Request::create("plugins", &plugin).unwrap(),
        Request::patch("machines", UUID, &description).unwrap(),
        Request::delete("machines", UUID).unwrap(),
        Request::delete("machines", "Name:cli2.example.com").unwrap(),
        Request::params("machines", UUID).unwrap(),
        Request::params("machines", UUID).unwrap().query("aggregate", "true"),
        Request::param("machines", UUID, "foo/bar").unwrap(),
        Request::param("machines", UUID, "foo/bar").unwrap().query("aggregate", "true"),
        Request::set_param("machines", UUID, "foo/bar", "from stdin").unwrap(),
        Request::delete_param("machines", UUID, "foo/bar").unwrap(),
        run("increment", &Params::default()),
        run("increment", &step),
        run("increment", &parameter).query("plugin", "incrX"),
        Request::run_system_action("incrstatus", &Params::default()).unwrap(),
    ];
    for request in sent {
        assert_recorded(&recording, &request);
    }
}

#[test]
fn a_typed_machine_is_created_with_the_keys_that_drpcli_sends() {
    let Some(recording) = recorded("drpcli-machines.jsonl", "client->api") else { return };
    let keys = |text: &str| {
        serde_json::from_str::<Value>(text).unwrap().as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let (_, _, body) = recording.iter().find(|(method, path, _)| method == "POST" && path == "/machines").unwrap();
    let request = Request::create("machines", &Machine::default()).unwrap();
    assert_eq!(keys(std::str::from_utf8(request.body().unwrap()).unwrap()), keys(body));
}

#[test]
fn a_debug_text_does_not_show_the_body() {
    let request = Request::set_param("machines", "x", "bmc/password", "hunter2-0815").unwrap();
    let text = format!("{request:?}");
    assert!(text.contains("/machines/x/params/bmc/password") && !text.contains("hunter2"), "{text}");
}
