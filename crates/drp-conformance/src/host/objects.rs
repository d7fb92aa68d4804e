//! Objects of their types: made, read, changed, removed.

use serde_json::{Value, json};

use super::{
    case::Case,
    expect::{same, says, shown},
    suite::{Check, check},
};
use crate::verdict::{Verdict, ensure};

pub(super) const CHECKS: &[Check] = &[
    check!(HostCreate, what_is_made_comes_back),
    check!(HostConflict, nothing_is_made_twice),
    check!(HostEmptyKey, an_object_has_a_key),
    check!(HostName, bad_names_are_refused),
    check!(HostRead, objects_are_found_by_their_names_too),
    check!(HostPut, a_put_replaces),
    check!(HostPutKey, a_put_changes_no_key),
    check!(HostPatch, a_patch_changes_what_it_says),
    check!(HostPatchTest, a_patch_that_fails_changes_nothing),
    check!(HostDelete, what_is_removed_is_gone),
    check!(HostMeta, meta_has_a_path_of_its_own),
    check!(HostBundled, bundled_objects_stay_as_they_are),
    check!(HostFiles, files_come_back),
];

/// A small object of each of some types that every server has, and its key.
fn samples(case: &Case) -> Vec<(&'static str, String, Value)> {
    let uuid = uuid::Uuid::new_v4().to_string();
    let named = |prefix, more: Value| {
        let name = case.name();
        let mut object = json!({ "Name": name });
        if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
            object.extend(more);
        }
        (prefix, name, object)
    };
    vec![
        named("profiles", json!({ "Description": "a profile" })),
        named("params", json!({ "Schema": { "type": "string" } })),
        named("plugins", json!({ "Provider": case.name() })),
        ("machines", uuid.clone(), json!({ "Name": case.name(), "Uuid": uuid })),
    ]
}

async fn what_is_made_comes_back(case: &Case) -> Verdict {
    for (prefix, key, object) in samples(case) {
        let made = case.create(prefix, &object).await?;
        let read =
            case.get(format!("{prefix}/{key}")).await?.json_of(200, &format!("GET of what was made in {prefix}"))?;
        for (field, value) in object.as_object().into_iter().flatten() {
            same(&format!("{prefix}: {field} as it was made"), &made[field], value)?;
            same(&format!("{prefix}: {field} as it is read"), &read[field], value)?;
        }
        for field in ["Validated", "Available", "ReadOnly"] {
            ensure!(read[field].is_boolean(), "{prefix}: {field} was expected, {} came", shown(&read[field]));
        }
        same(&format!("{prefix}: ReadOnly"), &read["ReadOnly"], &json!(false))?;
        ensure!(
            read["Errors"].is_array(),
            "{prefix}: Errors were expected to be a list, {} came",
            shown(&read["Errors"])
        );
        ensure!(read["Meta"].is_object(), "{prefix}: Meta was expected to be an object, {} came", shown(&read["Meta"]));
    }
    Ok(())
}

async fn nothing_is_made_twice(case: &Case) -> Verdict {
    for (prefix, key, object) in samples(case) {
        case.create(prefix, &object).await?;
        let what = format!("POST /{prefix} of what is there");
        let error = case.post(prefix, &object).await?.error_of(409, &what)?;
        says(&what, &error, "already exists")?;
        same(&format!("{what}: Type"), &error["Type"], &json!("CREATE"))?;
        same(&format!("{what}: Model"), &error["Model"], &json!(prefix))?;
        same(&format!("{what}: Key"), &error["Key"], &json!(key))?;
    }
    Ok(())
}

async fn an_object_has_a_key(case: &Case) -> Verdict {
    for prefix in ["profiles", "params", "plugins"] {
        let what = format!("POST /{prefix} without a name");
        let error = case.post(prefix, &json!({ "Description": "nameless" })).await?.error_of(400, &what)?;
        says(&what, &error, "Empty key not allowed")?;
    }
    Ok(())
}

async fn bad_names_are_refused(case: &Case) -> Verdict {
    for prefix in ["profiles", "plugins"] {
        let name = format!("{}/", case.name());
        let what = format!("POST /{prefix} of the name `x/`");
        let error = case.post(prefix, &json!({ "Name": name, "Provider": "none" })).await?.error_of(422, &what)?;
        says(&what, &error, &format!("Invalid Name `{name}`"))?;
        same(&format!("{what}: Type"), &error["Type"], &json!("ValidationError"))?;
    }
    Ok(())
}

async fn objects_are_found_by_their_names_too(case: &Case) -> Verdict {
    let (uuid, name) = (uuid::Uuid::new_v4().to_string(), case.name());
    case.create("machines", &json!({ "Name": name, "Uuid": uuid })).await?;
    for key in [uuid.clone(), format!("Name:{name}"), format!("Key:{uuid}")] {
        let machine = case.get(format!("machines/{key}")).await?.json_of(200, &format!("GET of {key}"))?;
        same("Uuid", &machine["Uuid"], &json!(uuid))?;
        let head = case.head(format!("machines/{key}")).await?;
        head.is(200, &format!("HEAD of {key}"))?;
        ensure!(head.body.is_empty(), "HEAD was expected to have no body, {} bytes came", head.body.len());
    }
    Ok(())
}

async fn a_put_replaces(case: &Case) -> Verdict {
    let name = case.name();
    let path = format!("profiles/{name}");
    case.create("profiles", &json!({ "Name": name, "Description": "before", "Params": { "aa": 1 } })).await?;
    let put = case.put(path.as_str(), &json!({ "Name": name, "Params": { "bb": 2 } })).await?;
    put.is(200, "PUT")?;
    let read = case.get(path.as_str()).await?.json_of(200, "GET after PUT")?;
    same("Params after PUT", &read["Params"], &json!({ "bb": 2 }))?;
    same("Description after PUT", &read["Description"], &json!(""))
}

async fn a_put_changes_no_key(case: &Case) -> Verdict {
    let (name, other) = (case.profile(json!({})).await?, case.name());
    case.will_make(format!("profiles/{other}"));
    let answer = case.put(format!("profiles/{name}"), &json!({ "Name": other })).await?;
    let error = answer.error_of(400, "PUT of another key")?;
    says("PUT of another key", &error, &format!("Key change from {name} to {other} not allowed"))?;
    case.get(format!("profiles/{other}")).await?.is(404, "the other key").map(drop)
}

async fn a_patch_changes_what_it_says(case: &Case) -> Verdict {
    let name = case.name();
    let object = json!({ "Name": name, "Params": { "aa/bb": 1, "list": [1, 2] }, "Meta": { "c~d": "before" } });
    case.create("profiles", &object).await?;
    let path = format!("profiles/{name}");
    let patch = json!([
        { "op": "test", "path": "/Params/aa~1bb", "value": 1 },
        { "op": "replace", "path": "/Params/aa~1bb", "value": 2 },
        { "op": "add", "path": "/Params/list/-", "value": 3 },
        { "op": "replace", "path": "/Meta/c~0d", "value": "after" },
        { "op": "add", "path": "/Description", "value": "changed" },
    ]);
    let answer = case.patch(path.as_str(), &patch).await?.json_of(200, "PATCH")?;
    let read = case.get(path.as_str()).await?.json_of(200, "GET after PATCH")?;
    for object in [answer, read] {
        same("Params after PATCH", &object["Params"], &json!({ "aa/bb": 2, "list": [1, 2, 3] }))?;
        same("Meta after PATCH", &object["Meta"]["c~d"], &json!("after"))?;
        same("Description after PATCH", &object["Description"], &json!("changed"))?;
    }
    Ok(())
}

async fn a_patch_that_fails_changes_nothing(case: &Case) -> Verdict {
    let name = case.profile(json!({ "aa": 1 })).await?;
    let path = format!("profiles/{name}");
    let failing = json!([
        { "op": "replace", "path": "/Description", "value": "changed" },
        { "op": "test", "path": "/Params/aa", "value": 2 },
    ]);
    let missing = json!([{ "op": "remove", "path": "/Params/none" }]);
    for (what, patch) in [("a test that fails", failing), ("a path that is not there", missing)] {
        let error = case.patch(path.as_str(), &patch).await?.error_of(409, what)?;
        same(&format!("{what}: Type"), &error["Type"], &json!("PATCH"))?;
    }
    let read = case.get(path.as_str()).await?.json_of(200, "GET afterwards")?;
    same("Description afterwards", &read["Description"], &json!(""))
}

async fn what_is_removed_is_gone(case: &Case) -> Verdict {
    for (prefix, key, object) in samples(case) {
        case.create(prefix, &object).await?;
        let path = format!("{prefix}/{key}");
        let gone = case.delete(path.as_str()).await?.json_of(200, &format!("DELETE in {prefix}"))?;
        same(&format!("{prefix}: Name of what was removed"), &gone["Name"], &object["Name"])?;
        case.get(path.as_str()).await?.error_of(404, &format!("GET after DELETE in {prefix}"))?;
        case.delete(path.as_str()).await?.error_of(404, &format!("DELETE again in {prefix}"))?;
    }
    Ok(())
}

async fn meta_has_a_path_of_its_own(case: &Case) -> Verdict {
    let name = case.name();
    case.create("profiles", &json!({ "Name": name, "Meta": { "icon": "cube" } })).await?;
    let path = format!("meta/profiles/{name}");
    let meta = case.get(path.as_str()).await?.json_of(200, "GET /meta")?;
    same("icon", &meta["icon"], &json!("cube"))?;
    let patch = json!([{ "op": "add", "path": "/color", "value": "red" }]);
    let meta = case.patch(path.as_str(), &patch).await?.json_of(200, "PATCH /meta")?;
    same("color", &meta["color"], &json!("red"))?;
    let read = case.get(format!("profiles/{name}")).await?.json_of(200, "GET after PATCH /meta")?;
    same("color of the object", &read["Meta"]["color"], &json!("red"))
}

async fn bundled_objects_stay_as_they_are(case: &Case) -> Verdict {
    let (pack, name) = (case.name(), case.name());
    let content = json!({ "meta": { "Name": pack, "Version": "1.2.3" },
        "sections": { "profiles": { &name: { "Name": name, "Description": "bundled" } } } });
    case.will_make(format!("contents/{pack}"));
    let summary = case.post("contents", &content).await?.json_of(201, "POST /contents")?;
    same("meta.Name", &summary["meta"]["Name"], &json!(pack))?;
    same("Counts", &summary["Counts"]["profiles"], &json!(1))?;
    let path = format!("profiles/{name}");
    let profile = case.get(path.as_str()).await?.json_of(200, "GET of a bundled object")?;
    same("ReadOnly", &profile["ReadOnly"], &json!(true))?;
    same("Bundle", &profile["Bundle"], &json!(pack))?;
    let patch = json!([{ "op": "add", "path": "/Description", "value": "changed" }]);
    case.patch(path.as_str(), &patch).await?.refuses("PATCH of a bundled object")?;
    case.delete(path.as_str()).await?.refuses("DELETE of a bundled object")?;
    case.post("contents", &content).await?.error_of(409, "POST /contents of what is there")?;
    case.delete(format!("contents/{pack}")).await?.is(204, "DELETE /contents/NAME")?;
    case.get(path.as_str()).await?.error_of(404, "GET of what was bundled").map(drop)
}

async fn files_come_back(case: &Case) -> Verdict {
    let name = case.name();
    let path = format!("files/{name}");
    case.will_make(path.clone());
    let upload = super::link::Ask {
        content_type: Some("application/octet-stream"),
        body: bytes::Bytes::from_static(b"\0binary\xff"),
        ..case.ask("POST", path.as_str())
    };
    let made = case.send(upload).await?.json_of(201, "POST /files/NAME")?;
    same("Path", &made["Path"], &json!(format!("/{name}")))?;
    same("Size", &made["Size"], &json!(8))?;
    let read = case.get(path.as_str()).await?;
    read.is(200, "GET /files/NAME")?;
    ensure!(read.body == b"\0binary\xff"[..], "the bytes were expected as they went up, {} came", read.shown());
    case.delete(path.as_str()).await?.is(204, "DELETE /files/NAME")?;
    let error = case.get(path.as_str()).await?.error_of(404, "GET after DELETE")?;
    same("Key", &error["Key"], &json!(format!("/{name}")))
}
