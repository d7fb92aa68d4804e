use proptest::{collection, prelude::*};
use serde_json::Value;

use super::*;

/// Any JSON value, a few levels deep.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 32, 6, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            collection::btree_map(".*", inner, 0..6).prop_map(Value::from_iter),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_was_sealed_opens_as_the_same_text(value in json()) {
        let (key, raw) = (PrivateKey::generate(), Raw::from(value));
        let sealed = seal(&raw, &key.public_key());
        prop_assert_eq!(STANDARD.decode(&sealed.payload).unwrap().len(), raw.get().len() + 16);
        let opened = open(&sealed, &key).unwrap();
        prop_assert_eq!(opened.get(), raw.get());
        prop_assert_eq!(open(&sealed, &PrivateKey::generate()), Err(OpenError::Sealed));
    }

    #[test]
    fn what_was_cut_or_changed_does_not_open(value in json(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let key = PrivateKey::generate();
        let sealed = seal(&Raw::from(value), &key.public_key());
        let payload = STANDARD.decode(&sealed.payload).unwrap();
        let with = |payload: &[u8]| SecureData { payload: STANDARD.encode(payload), ..sealed.clone() };
        let at = at.index(payload.len());
        prop_assert_eq!(open(&with(&payload[..at]), &key), Err(OpenError::Sealed));
        let mut changed = payload;
        changed[at] ^= 1 << bit;
        prop_assert_eq!(open(&with(&changed), &key), Err(OpenError::Sealed));
    }

    #[test]
    fn no_text_panics(key in ".*", nonce in ".*", payload in ".*") {
        let sealed = SecureData { key: key.clone(), nonce, payload, ..SecureData::default() };
        prop_assert!(open(&sealed, &PrivateKey::generate()).is_err());
        prop_assert!(key.parse::<PublicKey>().is_err() || STANDARD.decode(&key).is_ok());
    }
}

#[test]
fn each_part_that_is_none_is_named() {
    let key = PrivateKey::generate();
    let sealed = seal(&Raw::null(), &key.public_key());
    let check = |change: fn(&mut SecureData), expected: OpenError| {
        let mut broken = sealed.clone();
        change(&mut broken);
        assert_eq!(open(&broken, &key), Err(expected));
    };
    check(|sealed| sealed.key = "AA==".into(), OpenError::Key);
    check(|sealed| sealed.nonce = "AA==".into(), OpenError::Nonce);
    check(|sealed| sealed.payload = "?".into(), OpenError::Payload);
    check(|sealed| sealed.payload.clear(), OpenError::Sealed);
}

#[test]
fn what_a_go_client_sealed_opens() {
    // Made by the project with the box of Go's NaCl package.
    let key: PrivateKey = STANDARD.encode(std::array::from_fn::<u8, 32, _>(|n| n as u8 + 0x21)).parse().unwrap();
    let sealed = SecureData {
        key: "B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9/AsrhtHHw=".into(),
        nonce: "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX".into(),
        payload: "ARY18FkJpPfrx5GY/NhGnzCzqTw+Hw==".into(),
        ..SecureData::default()
    };
    assert_eq!(key.public_key().to_string(), "WGmv9FBUlzLLqu1eXfmzCm2jHLDldCutWtShp2jxpns=");
    assert_eq!(open(&sealed, &key).unwrap().get(), r#""Fred""#);
    assert_eq!(format!("{key:?}"), "PrivateKey");
}
