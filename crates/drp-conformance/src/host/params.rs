//! Params of objects.

use base64::{Engine, prelude::BASE64_STANDARD};
use crypto_box::{
    PublicKey, SalsaBox, SecretKey,
    aead::{Aead, AeadCore, OsRng},
};
use serde_json::{Value, json};

use super::{
    case::Case,
    expect::{same, shown},
    suite::{Check, check},
};
use crate::verdict::{Fault, Verdict, ensure, failed};

pub(super) const CHECKS: &[Check] = &[
    check!(HostParamUnset, an_unset_param_is_null),
    check!(HostParamSet, one_param_is_set_and_removed),
    check!(HostParamAll, all_params_are_replaced_and_patched),
    check!(HostParamAggregate, params_of_profiles_count),
    check!(HostParamDefault, a_default_counts_for_nothing_else),
    check!(HostParamSchema, values_have_to_fit),
    check!(HostParamSecure, secure_params_are_sealed),
    check!(HostParamNumbers, numbers_stay_exact),
];

/// What nobody may see; each use has its own, or one check would see another's.
const SECRET: &str = "s3cr3t-0f-the-suite";

async fn an_unset_param_is_null(case: &Case) -> Verdict {
    let (machine, profile) = (case.machine(json!({}), json!([])).await?, case.profile(json!({})).await?);
    for object in [format!("machines/{machine}"), format!("profiles/{profile}")] {
        let answer = case.get(format!("{object}/params/{}", case.name())).await?;
        same("a param that is not set", &answer.json_of(200, "GET of a param that is not set")?, &Value::Null)?;
    }
    let missing = format!("machines/{}/params/{}", uuid::Uuid::new_v4(), case.name());
    case.get(missing).await?.error_of(404, "GET of a param of a machine that is not there").map(drop)
}

async fn one_param_is_set_and_removed(case: &Case) -> Verdict {
    let machine = case.machine(json!({}), json!([])).await?;
    let (object, name) = (format!("machines/{machine}"), format!("{}/a.b", case.name()));
    let path = format!("{object}/params/{name}");
    for value in [json!("text"), json!({ "deep": [1, null, true] }), json!([]), json!("")] {
        let set = case.post(path.as_str(), &value).await?.json_of(200, "POST of a param")?;
        same("what is answered", &set, &value)?;
        same("what is read", &case.get(path.as_str()).await?.json_of(200, "GET of a param")?, &value)?;
    }
    let params = case.get(format!("{object}/params")).await?.json_of(200, "GET of all params")?;
    same("all params", &params, &json!({ &name: "" }))?;
    same("what is removed", &case.delete(path.as_str()).await?.json_of(200, "DELETE of a param")?, &json!(""))?;
    same("what is read", &case.get(path.as_str()).await?.json_of(200, "GET after DELETE")?, &Value::Null)?;
    let error = case.delete(path.as_str()).await?.error_of(404, "DELETE again")?;
    same("DELETE again: Model", &error["Model"], &json!("params"))?;
    same("DELETE again: Key", &error["Key"], &json!(name))
}

async fn all_params_are_replaced_and_patched(case: &Case) -> Verdict {
    let profile = case.profile(json!({ "before": 1 })).await?;
    let path = format!("profiles/{profile}/params");
    let wanted = json!({ "aa": 1, "bb": "two" });
    same("what is answered", &case.post(path.as_str(), &wanted).await?.json_of(200, "POST of all params")?, &wanted)?;
    same("what is read", &case.get(path.as_str()).await?.json_of(200, "GET of all params")?, &wanted)?;
    let patch = json!([{ "op": "test", "path": "/aa", "value": 1 }, { "op": "replace", "path": "/aa", "value": 3 }]);
    let patched = case.patch(path.as_str(), &patch).await?.json_of(200, "PATCH of params")?;
    same("what is answered", &patched, &json!({ "aa": 3, "bb": "two" }))?;
    case.patch(path.as_str(), &patch).await?.error_of(409, "PATCH whose test fails")?;
    let read = case.get(format!("profiles/{profile}")).await?.json_of(200, "GET of the object")?;
    same("Params of the object", &read["Params"], &json!({ "aa": 3, "bb": "two" }))
}

async fn params_of_profiles_count(case: &Case) -> Verdict {
    let (own, both, second) = (case.name(), case.name(), case.name());
    let first_profile = case.profile(json!({ &both: "first" })).await?;
    let second_profile = case.profile(json!({ &both: "second", &own: "second", &second: "second" })).await?;
    let machine = case.machine(json!({ &own: "own" }), json!([first_profile, second_profile])).await?;
    let path = format!("machines/{machine}/params");
    let plain = case.get(path.as_str()).await?.json_of(200, "GET of params")?;
    same("params of the machine alone", &plain, &json!({ &own: "own" }))?;
    let all = case.get(format!("{path}?aggregate=true")).await?.json_of(200, "GET of params with aggregate=true")?;
    for (name, wanted) in [(&own, "own"), (&both, "first"), (&second, "second")] {
        same(&format!("aggregated: {name}"), &all[name], &json!(wanted))?;
        let one =
            case.get(format!("{path}/{name}?aggregate=true")).await?.json_of(200, "GET of one with aggregate=true")?;
        same(&format!("aggregated alone: {name}"), &one, &json!(wanted))?;
    }
    Ok(())
}

async fn a_default_counts_for_nothing_else(case: &Case) -> Verdict {
    let name = case.param(json!({ "Schema": { "type": "integer", "default": 42 } })).await?;
    let machine = case.machine(json!({}), json!([])).await?;
    let path = format!("machines/{machine}/params/{name}");
    same("without aggregate", &case.get(path.as_str()).await?.json_of(200, "GET")?, &Value::Null)?;
    let all = case.get(format!("{path}?aggregate=true")).await?.json_of(200, "GET with aggregate=true")?;
    same("with aggregate=true", &all, &json!(42))
}

async fn values_have_to_fit(case: &Case) -> Verdict {
    let name = case.param(json!({ "Schema": { "type": "integer", "minimum": 3 } })).await?;
    let machine = case.machine(json!({ &name: 5 }), json!([])).await?;
    let path = format!("machines/{machine}/params/{name}");
    for value in [json!("text"), json!(2), json!([5])] {
        case.post(path.as_str(), &value).await?.refuses(&format!("{value} for an integer of at least 3"))?;
    }
    same("the value afterwards", &case.get(path.as_str()).await?.json_of(200, "GET")?, &json!(5))?;
    let bad = json!({ "Uuid": uuid::Uuid::new_v4().to_string(), "Name": case.name(), "Params": { &name: "text" } });
    case.will_make(format!("machines/{}", bad["Uuid"].as_str().unwrap_or_default()));
    case.post("machines", &bad).await?.error_of(422, "POST of a machine with a value that does not fit").map(drop)
}

/// Seals a value as clients do.
pub(super) fn seal(public_key: &Value, value: &Value) -> Verdict<Value> {
    let key = public_key.as_str().and_then(|text| BASE64_STANDARD.decode(text).ok());
    let Some(key) = key.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) else {
        return failed(format!("the public key was expected to be 32 bytes in base64, {} came", shown(public_key)));
    };
    let own = SecretKey::generate(&mut OsRng);
    let nonce = SalsaBox::generate_nonce(&mut OsRng);
    let sealed = SalsaBox::new(&PublicKey::from(key), &own).encrypt(&nonce, value.to_string().as_bytes());
    let sealed = sealed.map_err(|_| Fault::Failed("the suite cannot seal a value".to_owned()))?;
    Ok(json!({
        "Key": BASE64_STANDARD.encode(own.public_key().as_bytes()),
        "Nonce": BASE64_STANDARD.encode(nonce),
        "Payload": BASE64_STANDARD.encode(sealed),
    }))
}

async fn secure_params_are_sealed(case: &Case) -> Verdict {
    let name = case.param(json!({ "Secure": true, "Schema": { "type": "string" } })).await?;
    let machine = case.machine(json!({}), json!([])).await?;
    let object = format!("machines/{machine}");
    let key = case.get(format!("{object}/pubkey")).await?.json_of(200, "GET of the public key")?;
    let path = format!("{object}/params/{name}");
    case.post(path.as_str(), &seal(&key, &json!(SECRET))?).await?.is(200, "POST of a sealed value")?;
    for path in [path.clone(), format!("{object}/params"), object.clone(), format!("{object}/params?aggregate=true")] {
        let answer = case.get(path.as_str()).await?;
        answer.is(200, "GET without decode")?;
        ensure!(!answer.text().contains(SECRET), "GET /{path} was expected to be sealed, and shows the secret");
        ensure!(answer.text().contains("Payload"), "GET /{path} was expected to have the sealed value");
    }
    let opened = case.get(format!("{path}?decode=true")).await?.json_of(200, "GET of one with decode=true")?;
    same("decode=true of one", &opened, &json!(SECRET))?;
    let opened = case.get(format!("{object}/params?decode=true")).await?.json_of(200, "GET with decode=true")?;
    same("decode=true of all", &opened[&name], &json!(SECRET))
}

async fn numbers_stay_exact(case: &Case) -> Verdict {
    let machine = case.machine(json!({}), json!([])).await?;
    let path = format!("machines/{machine}/params/{}", case.name());
    for number in ["9007199254740993", "-9223372036854775808", "18446744073709551615", "0.1", "1e400"] {
        case.send(case.ask_raw("POST", path.as_str(), number)).await?.is(200, &format!("POST of {number}"))?;
        let read = case.get(path.as_str()).await?;
        ensure!(read.text() == number, "{number} was expected as it was given, {} came", read.shown());
    }
    Ok(())
}
