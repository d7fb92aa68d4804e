//! Params of all the types that authors may come up with: what is read fits the schema that a server has.

#![allow(dead_code, reason = "the fields are read by serde only")]
#![allow(unreachable_patterns, reason = "two fields of one name are among the mistakes")]

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    path::PathBuf,
    time::Duration,
};

use drp_content::Schemas;
use drp_core::Uuid;
use serde_json::Value;

use super::*;
use crate::schema::{DeclaredParam, params_of};

#[derive(Debug, Deserialize, JsonSchema)]
struct Node {
    #[schemars(length(min = 2))]
    name: String,
    #[serde(default)]
    children: Vec<Node>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Auth {
    Nobody,
    Basic {
        user: String,
        /// The password.
        password: Secure<String>,
    },
    Token(Token),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Token {
    value: Secure<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize, JsonSchema)]
enum Shape {
    Dot,
    Circle(f32),
    Box { width: u16 },
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Outlet(#[schemars(range(min = 1, max = 8))] u8);

#[derive(Debug, Deserialize, JsonSchema)]
struct Wrapped<T> {
    inner: T,
    #[serde(default = "three")]
    tries: i32,
}

fn three() -> i32 {
    3
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Everything {
    /// A *long* text with `marks`.
    ///
    /// And a second paragraph: äöü 漢字.
    number_of_things: Option<u128>,
    ratio: Option<f32>,
    wait: Option<Duration>,
    id: Option<Uuid>,
    address: Option<IpAddr>,
    path: Option<PathBuf>,
    twice: Option<Option<String>>,
    pair: Option<(String, Value, u8)>,
    map: Option<BTreeMap<String, Outlet>>,
    by_number: Option<BTreeMap<u16, bool>>,
    set: Option<BTreeSet<u8>>,
    tree: Option<Node>,
    auth: Option<Auth>,
    names: Option<OneOrMany>,
    shape: Option<Shape>,
    outlet: Option<Outlet>,
    wrapped: Option<Wrapped<Vec<Option<Outlet>>>>,
    #[serde(alias = "letter2")]
    letter: Option<char>,
    #[schemars(email, extend("x-note" = "y"), title = "Mail")]
    mail: Option<String>,
    #[serde(skip)]
    skipped: u8,
    #[serde(default = "three")]
    tries: i32,
    nothing: Option<()>,
}

fn declared(name: &str) -> DeclaredParam {
    let params = params_of::<Everything>().unwrap();
    params.into_iter().find(|param| param.name == name).unwrap_or_else(|| panic!("no param {name}"))
}

/// Reads one param, and looks at the value with the eyes of a server.
fn check(name: &str, value: &str, expected: Result<(), &str>) {
    let params = serde_json::from_str(&format!("{{{name:?}: {value}}}")).unwrap();
    let read = decode::<Everything>(&params, &params_of::<Everything>().unwrap());
    match (read, expected) {
        (Ok(_), Ok(())) => {
            let raw: Raw = serde_json::from_str(value).unwrap();
            assert_eq!(Schemas::default().check(&Raw::from(declared(name).schema), &raw), Ok(()), "{name} {value}");
        }
        (Err(problems), Err(part)) => {
            assert!(problems.len() == 1 && problems[0].contains(part), "{name} {value}: {problems:?}");
        }
        (read, _) => panic!("{name} {value}: {:?}, expected {expected:?}", read.map(|read| read.values)),
    }
}

#[test]
fn every_schema_is_one_for_a_server() {
    for param in params_of::<Everything>().unwrap() {
        let problems = Schemas::default().check_declaration(&param.to_param());
        assert!(problems.is_empty(), "{}: {problems:?} {}", param.name, param.schema);
        let text = param.schema.to_string();
        for word in ["\"const\"", "$defs", "x-drp-secure", "\"format\":\"uint"] {
            assert!(!text.contains(word), "{}: {text}", param.name);
        }
        assert_eq!(param.secure, param.name == "auth", "{}", param.name);
    }
    assert_eq!(declared("tries").schema, serde_json::json!({"type": "integer", "default": 3}));
    assert!(declared("number-of-things").description.contains("second paragraph: äöü 漢字"));
}

#[test]
fn what_is_read_fits_the_schema() {
    check("number-of-things", "340282366920938463463374607431768211455", Ok(()));
    check("number-of-things", "-1", Err("Params/number-of-things: "));
    check("ratio", "1", Ok(()));
    check("ratio", "\"1\"", Err("invalid type: string \"1\", expected a number"));
    check("wait", r#"{"secs": 5.0, "nanos": 0}"#, Ok(()));
    check("wait", "5", Err("Params/wait: invalid type: integer `5`, expected an object"));
    check("id", "\"87a74f0e-d168-4687-99e8-8fd3a7ed551b\"", Ok(()));
    check("address", "\"::1\"", Ok(()));
    check("address", "\"nowhere\"", Err("Params/address: "));
    check("path", "\"/a/b\"", Ok(()));
    check("twice", "\"a\"", Ok(()));
    check("pair", r#"["a", null, 5.0]"#, Ok(()));
    check("pair", r#"["a", 1]"#, Err("Params/pair: "));
    check("map", r#"{"a": 8}"#, Ok(()));
    check("map", r#"{"a": 9}"#, Err("Params/map: a: expected 8 or less, got 9"));
    check("by-number", r#"{"17": true}"#, Ok(()));
    check("set", "[1, 2]", Ok(()));
    check("tree", r#"{"name": "ab", "children": [{"name": "cd"}]}"#, Ok(()));
    check("tree", r#"{"name": "ab", "children": [{"name": "c"}]}"#, Err("children[0].name: expected 2 characters"));
    check("auth", r#"{"kind": "basic", "user": "a", "password": "b"}"#, Ok(()));
    check("auth", r#"{"kind": "token", "value": "b"}"#, Ok(()));
    check("auth", r#"{"kind": "secret-99"}"#, Err("Params/auth: the value does not fit its schema"));
    check("names", "\"a\"", Ok(()));
    check("names", "[\"a\"]", Ok(()));
    check("names", "5", Err("Params/names: expected a string or a list as its schema says, got 5"));
    check("shape", "\"Dot\"", Ok(()));
    check("shape", r#"{"Circle": 5}"#, Ok(()));
    check("shape", r#"{"Box": {"width": 5.0}}"#, Ok(()));
    check("shape", "\"Square\"", Err("unknown variant `Square`, expected one of `Dot`, `Circle`, `Box`"));
    check("outlet", "8.0", Ok(()));
    check("outlet", "9", Err("Params/outlet: expected 8 or less, got 9"));
    check("wrapped", r#"{"inner": [1, null]}"#, Ok(()));
    check("wrapped", r#"{"inner": [1, 9]}"#, Err("Params/wrapped: inner[1]: expected 8 or less, got 9"));
    check("wrapped", "{}", Err("Params/wrapped: missing field `inner`"));
    check("letter", "\"ä\"", Ok(()));
    check("mail", "\"a@b.example\"", Ok(()));
    check("tries", "2147483648", Err("expected an integer from -2147483648 to 2147483647"));
    check("tries", &format!("\"{}\"", "x".repeat(100_000)), Err("x\", expected an integer from"));
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Login {
    #[serde(rename = "l/user")]
    user: String,
    #[serde(rename = "l/password")]
    password: Secure<String>,
    #[serde(rename = "l/port", default)]
    #[schemars(range(max = 99))]
    port: u16,
    #[serde(rename = "l/names")]
    names: Option<OneOrMany>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Shared {
    #[serde(rename = "l/outlet")]
    outlet: u8,
    #[serde(flatten)]
    login: Login,
}

#[test]
fn params_that_several_actions_share_are_read_like_those_of_their_own() {
    let declared = params_of::<Shared>().unwrap();
    let required: Vec<&str> = declared.iter().filter(|p| p.required).map(|p| p.name.as_str()).collect();
    assert_eq!(required, ["l/outlet", "l/password", "l/user"]);
    let check = |text: &str, expected: &[&str]| {
        let problems = decode::<Shared>(&serde_json::from_str(text).unwrap(), &declared).err().unwrap_or_default();
        assert_eq!(problems, expected, "{text}");
    };
    check(r#"{"l/outlet":1.0,"l/user":"a","l/password":"b","l/port":5.0,"l/names":["x"]}"#, &[]);
    let password = "Params/l/password: the value does not fit its schema";
    check(
        r#"{"l/user":5,"l/password":[],"l/port":"x","l/names":5}"#,
        &[
            "Params/l/outlet: required, but not set",
            "Params/l/names: expected a string or a list as its schema says, got 5",
            password,
            "Params/l/port: expected an integer, got \"x\"",
            "Params/l/user: expected a string, got 5",
        ],
    );
    check(
        r#"{"l/outlet":1,"l/user":"a","l/password":"b","l/port":100}"#,
        &["Params/l/port: expected 99 or less, got 100"],
    );
}

#[test]
fn params_may_be_wrapped() {
    #[derive(Deserialize, JsonSchema)]
    struct Outer(Login);
    let params = serde_json::from_str(r#"{"l/user":"a","l/password":"b"}"#).unwrap();
    let read = decode::<Outer>(&params, &params_of::<Outer>().unwrap()).unwrap();
    assert_eq!(read.values.0.user, "a");
    let read = decode::<Box<Login>>(&params, &params_of::<Box<Login>>().unwrap()).unwrap();
    assert_eq!(read.values.user, "a");
}

#[test]
fn what_declares_no_params_is_refused_while_the_provider_is_built() {
    #[derive(Deserialize, JsonSchema)]
    struct Open {
        a: u8,
        #[serde(flatten)]
        rest: BTreeMap<String, Value>,
    }
    #[derive(Deserialize, JsonSchema)]
    struct Chosen {
        a: u8,
        #[serde(flatten)]
        auth: Auth,
    }
    #[derive(Deserialize, JsonSchema)]
    struct Twice {
        #[serde(rename = "t/a")]
        a: u8,
        #[serde(rename = "t/b")]
        b: u8,
        #[serde(rename = "t/a")]
        c: u8,
    }
    #[derive(Deserialize, JsonSchema)]
    struct Own {
        next: Option<Box<Own>>,
    }
    #[derive(Deserialize, JsonSchema)]
    struct Endless {
        inner: Option<Box<Secure<Endless>>>,
    }
    fn refused<T: JsonSchema + serde::de::DeserializeOwned>(part: &str) {
        let mistake = params_of::<T>().unwrap_err();
        assert!(mistake.contains(part), "{mistake}");
    }
    refused::<BTreeMap<String, Value>>("hold an enum or a map");
    refused::<Open>("hold an enum or a map");
    refused::<Chosen>("hold an enum or a map");
    refused::<Auth>("no struct");
    refused::<Value>("no struct");
    refused::<()>("no struct");
    refused::<(String, u8)>("no struct");
    refused::<Vec<Login>>("no struct");
    refused::<Twice>("have two fields for `t/a`");
    refused::<Own>("hold themselves");
    refused::<Endless>("hold themselves");
}
