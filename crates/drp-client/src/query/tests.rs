use super::*;

fn check(query: &Query, expected: &str) {
    assert_eq!(query.to_string(), expected);
}

#[test]
fn every_operator_is_written_as_servers_read_it() {
    let filter = |filter: Filter, expected: &str| assert_eq!(filter.to_string(), expected);
    filter(Filter::Bare("web1".into()), "web1");
    filter(Filter::eq("a"), "Eq(a)");
    filter(Filter::ne(true), "Ne(true)");
    filter(Filter::lt(5), "Lt(5)");
    filter(Filter::lte(5), "Lte(5)");
    filter(Filter::gt(5), "Gt(5)");
    filter(Filter::gte(5), "Gte(5)");
    filter(Filter::between(1, 9), "Between(1,9)");
    filter(Filter::except("a", "b"), "Except(a,b)");
    filter(Filter::any_of(["a", "b"]), "In(a,b)");
    filter(Filter::none_of([1, 2, 3]), "Nin(1,2,3)");
    filter(Filter::re("^web[0-9]+$"), "Re(^web[0-9]+$)");
}

#[test]
fn a_query_is_written_by_name_and_escaped() {
    check(&Query::new(), "");
    let all = Query::new()
        .sort("Name")
        .reverse()
        .limit(10)
        .offset(0)
        .slim("Meta,Params")
        .params(["a/b", "c"])
        .decode()
        .filter("incrementer/step", Filter::gt(1))
        .filter("Name", Filter::Bare("a&b=c d".into()));
    check(
        &all,
        "Name=a%26b%3Dc%20d&decode=true&incrementer%2Fstep=Gt%281%29&limit=10&offset=0&params=a%2Fb%2Cc&reverse=true\
         &slim=Meta%2CParams&sort=Name",
    );
    // A second filter on one index would be taken for a choice.
    check(&Query::new().filter("Name", Filter::eq("a")).filter("Name", Filter::eq("b")), "Name=Eq%28b%29");
}

#[test]
fn the_words_of_drpcli_are_read() {
    let parsed = |words: &str, expected: &Query| {
        assert_eq!(&Query::parse(words.split_whitespace()).unwrap(), expected, "{words}");
    };
    parsed("", &Query::new());
    parsed("Name eQ x", &Query::new().filter("Name", Filter::eq("x")));
    parsed("Name between a b", &Query::new().filter("Name", Filter::between("a", "b")));
    parsed("Name EXCEPT a,b", &Query::new().filter("Name", Filter::except("a", "b")));
    parsed("Name In a,b,c Runnable Eq true", &{
        Query::new().filter("Name", Filter::any_of(["a", "b", "c"])).filter("Runnable", Filter::eq(true))
    });
    parsed("reverse decode sort Name limit 3 offset 4 slim Meta params a,b", &{
        Query::new().reverse().decode().sort("Name").limit(3).offset(4).slim("Meta").params(["a", "b"])
    });
    parsed("Name=a=b limit=2", &Query::new().filter("Name", Filter::Bare("a=b".into())).limit(2));
    parsed("Name=Re(^x) reverse=true", &Query::new().filter("Name", Filter::Bare("Re(^x)".into())).reverse());
    for op in ["Ne", "Lt", "Lte", "Gt", "Gte", "Nin", "Re"] {
        let query = Query::parse(["X", &op.to_uppercase(), "1"]).unwrap();
        check(&query, &format!("X={op}%281%29"));
    }
}

#[test]
fn words_that_are_no_query_are_refused_with_the_texts_of_drpcli() {
    let refused = |words: &str, expected: &str| {
        assert_eq!(Query::parse(words.split_whitespace()).unwrap_err().to_string(), expected, "{words}");
    };
    refused("sort", "Invalid Filter: sort requires exactly one parameter");
    refused("Name", "Invalid Filter: Name requires an op and at least 1 parameter");
    refused("Name eq", "Invalid Filter: Name op Eq requires 1 parameter");
    refused("Name Between", "Invalid Filter: Name op Between requires 1 or 2 parameters");
    refused("Name Except a", "Invalid Filter: Name op Except requires 1 or 2 parameters");
    refused("Name like x", "Invalid Filter Name: unknown op Like");
    refused("Name=x limit", "Filter argument requires an '=' separator: limit");
    refused("limit -1", "limit has to be a number from 0, not `-1`");
    refused("offset=x", "offset has to be a number from 0, not `x`");
}

#[test]
fn a_part_goes_on_behind_the_last_key_and_else_behind_what_was_seen() {
    let query = Query::new().filter("Runnable", Filter::eq(true)).offset(5);
    check(&query.part(None, 0, 2), "Runnable=Eq%28true%29&limit=2&offset=5&sort=Key");
    check(&query.part(Some("k"), 2, 2), "Key=Gt%28k%29&Runnable=Eq%28true%29&limit=2&sort=Key");
    check(&Query::new().reverse().part(Some("k"), 2, 3), "Key=Lt%28k%29&limit=3&reverse=true&sort=Key");
    check(&Query::new().sort("Name").offset(5).part(None, 2, 2), "limit=2&offset=7&sort=Name");
}
