//! What holds for all requests.

use serde_json::{Value, json};

use super::{
    case::Case,
    expect::{same, says, shown},
    link::Ask,
    suite::{Check, check},
};
use crate::answer::Answer;
use crate::verdict::{Verdict, ensure};

pub(super) const CHECKS: &[Check] = &[
    check!(HostInfo, info_says_who_it_is),
    check!(HostType, good_answers_are_json),
    check!(HostRoute, unknown_paths_have_no_route),
    check!(HostMissing, missing_objects_are_not_found),
    check!(HostJson, what_is_no_json_is_refused),
    check!(HostContentType, other_types_are_refused),
    check!(HostWrongShape, wrong_shapes_are_refused),
    check!(HostLogs, logs_are_lines),
];

async fn info_says_who_it_is(case: &Case) -> Verdict {
    let info = case.get("info").await?.json_of(200, "GET /info")?;
    for field in ["arch", "os", "version", "id"] {
        ensure!(info[field].as_str().is_some_and(|text| !text.is_empty()), "`{field}` was expected to be a text");
    }
    for field in ["api_port", "file_port"] {
        ensure!(info[field].is_u64(), "`{field}` was expected to be a port, {} came", shown(&info[field]));
    }
    let features = info["features"].as_array().map(Vec::as_slice).unwrap_or_default();
    ensure!(features.contains(&json!("api-v3")), "`features` were expected to have `api-v3`");
    ensure!(info["stats"].is_array(), "`stats` were expected to be a list, {} came", shown(&info["stats"]));
    Ok(())
}

async fn good_answers_are_json(case: &Case) -> Verdict {
    let name = case.name();
    let path = format!("profiles/{name}");
    case.will_make(path.clone());
    let event = json!({ "Type": name, "Action": "create", "Key": "x", "Time": "2026-01-01T00:00:00Z" });
    let asks = [
        case.ask("GET", "info"),
        case.ask("GET", "profiles"),
        case.ask_with("POST", "profiles", &json!({ "Name": name })),
        case.ask("GET", path.as_str()),
        case.ask_with("PATCH", path.as_str(), &json!([])),
        case.ask_with("POST", "events", &event),
        case.ask("DELETE", path.as_str()),
    ];
    for ask in asks {
        let what = format!("{} /{}", ask.method, ask.path);
        let answer = case.send(ask).await?;
        ensure!(answer.is_good(), "{what}: 2xx was expected, {} came", answer.shown());
        let content_type = answer.header("content-type").unwrap_or_default();
        let is_json = content_type.starts_with("application/json");
        ensure!(is_json, "{what}: Content-Type application/json was expected, `{content_type}` came");
    }
    Ok(())
}

async fn unknown_paths_have_no_route(case: &Case) -> Verdict {
    let (one, other) = (case.name(), format!("{}/john", case.name()));
    for path in [one, other] {
        for method in ["GET", "DELETE"] {
            let what = format!("{method} of an unknown path");
            let error = case.send(case.ask(method, path.as_str())).await?.error_of(404, &what)?;
            says(&what, &error, "No route")?;
            same(&format!("{what}: Type"), &error["Type"], &json!(method))?;
        }
    }
    Ok(())
}

async fn missing_objects_are_not_found(case: &Case) -> Verdict {
    let name = case.name();
    for prefix in ["profiles", "machines", "plugins", "params", "plugin_providers"] {
        let key = if prefix == "machines" { uuid::Uuid::new_v4().to_string() } else { name.clone() };
        let path = format!("{prefix}/{key}");
        let what = format!("GET of what is not in {prefix}");
        not_found(&case.get(path.as_str()).await?, &what, "GET", prefix, &key)?;
        let head = case.head(path.as_str()).await?;
        head.is(404, &format!("HEAD of what is not in {prefix}"))?;
    }
    let path = format!("profiles/{name}");
    let body = json!({ "Name": name });
    not_found(&case.put(path.as_str(), &body).await?, "PUT", "PUT", "profiles", &name)?;
    not_found(&case.patch(path.as_str(), &json!([])).await?, "PATCH", "PATCH", "profiles", &name)?;
    not_found(&case.delete(path.as_str()).await?, "DELETE", "DELETE", "profiles", &name)
}

/// Holds that an answer is the error of an object that is not there.
pub(super) fn not_found(answer: &Answer, what: &str, method: &str, model: &str, key: &str) -> Verdict {
    let error = answer.error_of(404, what)?;
    says(what, &error, "Not Found")?;
    for (field, wanted) in [("Type", method), ("Model", model), ("Key", key)] {
        same(&format!("{what}: {field}"), &error[field], &json!(wanted))?;
    }
    Ok(())
}

async fn what_is_no_json_is_refused(case: &Case) -> Verdict {
    let profile = case.profile(json!({})).await?;
    for body in ["{", "{\"Name\":}", "nonsense", "{\"Name\":\"\u{fffd}", "[1,"] {
        for (method, path) in [("POST", "profiles".to_owned()), ("PATCH", format!("profiles/{profile}"))] {
            let answer = case.send(case.ask_raw(method, path, body)).await?;
            answer.error_of(400, &format!("{method} of `{body}`"))?;
        }
    }
    Ok(())
}

async fn other_types_are_refused(case: &Case) -> Verdict {
    for content_type in ["text/plain", "application/xml"] {
        let name = case.name();
        case.will_make(format!("profiles/{name}"));
        let ask = case.ask_with("POST", "profiles", &json!({ "Name": name }));
        let answer = case.send(Ask { content_type: Some(content_type), ..ask }).await?;
        answer.refuses(&format!("Content-Type {content_type}"))?;
        case.get(format!("profiles/{name}")).await?.is(404, "what was refused")?;
    }
    Ok(())
}

async fn wrong_shapes_are_refused(case: &Case) -> Verdict {
    let profile = case.profile(json!({})).await?;
    let path = format!("profiles/{profile}");
    let patch = |value: Value| case.ask_with("PATCH", path.as_str(), &value);
    let asks = [
        case.ask_with("POST", "profiles", &json!(7)),
        case.ask_with("POST", "profiles", &json!([])),
        case.ask_with("POST", "profiles", &json!({ "Name": 7 })),
        case.ask_with("POST", "profiles", &json!({ "Name": case.name(), "Params": 7 })),
        patch(json!(7)),
        patch(json!([{ "op": "nonsense", "path": "/Name" }])),
        patch(json!([{ "op": "replace", "path": "", "value": null }])),
        patch(json!([{ "op": "replace", "path": "/Params", "value": 7 }])),
        case.ask("GET", "profiles?Name=Between(a)"),
        case.ask_with("POST", "jobs", &json!({})),
    ];
    for ask in asks {
        let what = format!("{} /{} of `{}`", ask.method, ask.path, String::from_utf8_lossy(&ask.body));
        case.send(ask).await?.refuses(&what)?;
    }
    let kept = case.get(path.as_str()).await?.json_of(200, "the object afterwards")?;
    same("the object afterwards: Params", &kept["Params"], &json!({}))
}

async fn logs_are_lines(case: &Case) -> Verdict {
    let logs = case.get("logs").await?.json_of(200, "GET /logs")?;
    let Some(lines) = logs.as_array() else {
        return crate::verdict::failed(format!("a list was expected, {} came", shown(&logs)));
    };
    for line in lines.iter().take(20) {
        let is_line = ["Time", "Service", "Level", "Message"].iter().all(|field| line[*field].is_string());
        ensure!(is_line, "Time, Service, Level and Message were expected to be texts, {} came", shown(line));
    }
    Ok(())
}
