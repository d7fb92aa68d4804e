mod types;

use super::*;
use crate::{Secure, schema::params_of};

#[derive(Debug, Deserialize, JsonSchema)]
struct Sample {
    #[serde(rename = "s/count")]
    count: i64,
    #[serde(rename = "s/name")]
    name: String,
    #[serde(rename = "s/list", default)]
    list: Vec<u8>,
    #[serde(rename = "s/secret")]
    secret: Option<Secure<String>>,
}

fn decode_sample(text: &str) -> Result<Decoded<Sample>, Vec<String>> {
    decode(&serde_json::from_str(text).unwrap(), &params_of::<Sample>().unwrap())
}

#[test]
fn values_are_read_and_others_ignored() {
    let decoded = decode_sample(r#"{"s/count":5.0,"s/name":"x","s/list":[1,2.0],"other":{},"s/secret":null}"#).unwrap();
    let Sample { count, name, list, secret } = decoded.values;
    assert_eq!((count, name.as_str(), list, secret), (5, "x", vec![1, 2], None));
}

#[test]
fn bounds_of_the_schema_hold_and_a_secret_out_of_them_is_not_quoted() {
    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "only its bounds matter")]
    struct Bounded {
        #[serde(rename = "b/limit")]
        #[schemars(range(min = 1, max = 100))]
        limit: Option<u8>,
        #[serde(rename = "b/pin")]
        #[schemars(length(min = 6))]
        pin: Option<Secure<String>>,
    }
    let check = |text: &str, expected: &[&str]| {
        let params = serde_json::from_str(text).unwrap();
        let problems = decode::<Bounded>(&params, &params_of::<Bounded>().unwrap()).err().unwrap_or_default();
        assert_eq!(problems, expected, "{text}");
    };
    check(r#"{"b/limit":100,"b/pin":"123456"}"#, &[]);
    let pin = "Params/b/pin: the value does not fit its schema";
    check(r#"{"b/limit":101,"b/pin":"12345"}"#, &["Params/b/limit: expected 100 or less, got 101", pin]);
    let limit = "Params/b/limit: invalid type: string \"x\", expected an integer from 0 to 255";
    check(r#"{"b/limit":"x","b/pin":"12345"}"#, &[limit, pin]);
    check(r#"{"b/limit":5.0}"#, &[]);
}

#[test]
fn integers_beyond_a_float_stay_exact() {
    let decoded = decode_sample(r#"{"s/count":9007199254740993,"s/name":"x"}"#).unwrap();
    assert_eq!(decoded.values.count, 9_007_199_254_740_993);
}

#[test]
fn all_problems_are_named_at_once() {
    let problems = decode_sample(r#"{"s/count":5.5,"s/list":[1,300]}"#).unwrap_err();
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert_eq!(problems[0], "Params/s/name: required, but not set");
    assert!(problems[1].starts_with("Params/s/count: invalid type: number `5.5`, expected an integer"), "{problems:?}");
    assert!(problems[2].starts_with("Params/s/list: [1]: invalid value: integer `300`"), "{problems:?}");
}

#[test]
fn a_secret_of_the_wrong_type_is_not_quoted() {
    let problems = decode_sample(r#"{"s/count":1,"s/name":"x","s/secret":["hunter22"]}"#).unwrap_err();
    assert_eq!(problems, ["Params/s/secret: the value does not fit its schema"]);
    let problems = decode_sample(r#"{"s/count":1,"s/name":"x","s/secret":87654321}"#).unwrap_err();
    assert!(!problems[0].contains("87654321"));
}

#[test]
fn params_that_contradict_each_other_quote_no_secret() {
    #[derive(Deserialize, JsonSchema)]
    #[serde(try_from = "Sample")]
    #[schemars(with = "Sample")]
    struct Checked;
    impl TryFrom<Sample> for Checked {
        type Error = String;
        fn try_from(sample: Sample) -> Result<Self, String> {
            Err(format!("{} does not go with {:?}", sample.name, sample.secret.map(|s| s.expose().clone())))
        }
    }
    let params = serde_json::from_str(r#"{"s/count":1,"s/name":"x","s/secret":"hunter-88"}"#).unwrap();
    let problems = decode::<Checked>(&params, &params_of::<Checked>().unwrap()).err().unwrap();
    assert_eq!(problems, [r#"Params: x does not go with Some("[secret]")"#]);
}

#[test]
fn a_secret_that_stands_in_another_param_too_is_not_quoted() {
    let problems = decode_sample(r#"{"s/count":"parole-77","s/name":"x","s/secret":"parole-77"}"#).unwrap_err();
    assert!(problems.len() == 1 && problems[0].starts_with("Params/s/count: "), "{problems:?}");
    assert!(problems[0].contains("[secret]") && !problems[0].contains("parole-77"), "{problems:?}");
}

#[test]
fn secrets_are_in_use_while_the_values_are() {
    let decoded = decode_sample(r#"{"s/count":1,"s/name":"x","s/secret":"opensesame"}"#).unwrap();
    assert_eq!(redact("say opensesame"), "say [secret]");
    assert_eq!(decoded.values.secret.as_ref().unwrap().expose(), "opensesame");
    drop(decoded.secrets);
    assert_eq!(redact("say opensesame"), "say opensesame");
}
