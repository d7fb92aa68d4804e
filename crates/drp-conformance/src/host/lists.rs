//! Lists: which objects, in which order, and how many.

use serde_json::{Value, json};

use super::{
    case::Case,
    expect::{same, says, shown},
    suite::{Check, check},
};
use crate::answer::Answer;
use crate::verdict::{Verdict, ensure, failed};

pub(super) const CHECKS: &[Check] = &[
    check!(HostListFilters, filters_choose),
    check!(HostListOrder, lists_are_sorted),
    check!(HostListPage, pages_are_counted),
    check!(HostListHead, heads_are_counted),
    check!(HostListSlim, slim_lists_are_reduced),
    check!(HostListBad, bad_filters_are_refused),
];

/// Five profiles, whose names sort as they are.
struct Five {
    names: Vec<String>,
    /// A filter by which nobody else is there.
    all: String,
}

async fn five(case: &Case) -> Verdict<Five> {
    let base = case.name();
    let mut names = Vec::new();
    // Not in their order.
    for letter in ["c", "a", "e", "b", "d"] {
        let name = format!("{base}.{letter}");
        let object = json!({ "Name": name, "Params": { "list": letter }, "Meta": { "letter": letter } });
        case.create("profiles", &object).await?;
        names.push(name);
    }
    names.sort_unstable();
    let (first, last) = (names.first().cloned().unwrap_or_default(), names.last().cloned().unwrap_or_default());
    Ok(Five { names, all: format!("Name=Between({first},{last})") })
}

/// The names in a list.
fn names(answer: &Answer, what: &str) -> Verdict<Vec<String>> {
    match answer.json_of(200, what)? {
        Value::Array(all) => Ok(all.iter().map(|one| one["Name"].as_str().unwrap_or_default().to_owned()).collect()),
        other => failed(format!("{what}: a list was expected, {} came", shown(&other))),
    }
}

fn count(answer: &Answer, header: &str) -> Verdict<usize> {
    match answer.header(header).map(str::parse) {
        Some(Ok(count)) => Ok(count),
        _ => failed(format!("{header} was expected to be a number, {:?} came", answer.header(header))),
    }
}

async fn filters_choose(case: &Case) -> Verdict {
    let Five { names: five, all } = five(case).await?;
    let [a, b, c, d, e] = five.as_slice() else { return failed("the suite broke: there are not five") };
    let check = async |filter: String, wanted: &[&String]| {
        let what = format!("the list of {filter}");
        let came = names(&case.get(format!("profiles?{filter}")).await?, &what)?;
        ensure!(came.iter().eq(wanted.iter().copied()), "{what}: {wanted:?} was expected, {came:?} came");
        Ok(())
    };
    check(all.clone(), &[a, b, c, d, e]).await?;
    check(format!("Name={b}"), &[b]).await?;
    check(format!("Name=Eq({b})"), &[b]).await?;
    check(format!("Key=Eq({b})"), &[b]).await?;
    check(format!("Name=Between({b},{d})"), &[b, c, d]).await?;
    check(format!("Name=In({a},{e})"), &[a, e]).await?;
    // Repeated values of a key add, and different keys narrow.
    check(format!("Name={a}&Name={c}"), &[a, c]).await?;
    check(format!("{all}&Key=Gt({c})"), &[d, e]).await?;
    check(format!("{all}&Key=Gte({c})"), &[c, d, e]).await?;
    check(format!("{all}&Key=Lt({c})"), &[a, b]).await?;
    check(format!("{all}&Key=Lte({c})"), &[a, b, c]).await?;
    check(format!("{all}&Key=Ne({c})"), &[a, b, d, e]).await?;
    check(format!("{all}&Key=Except({b},{d})"), &[a, e]).await?;
    check(format!("{all}&Key=Nin({a},{b})"), &[c, d, e]).await
}

async fn lists_are_sorted(case: &Case) -> Verdict {
    let Five { names: five, all } = five(case).await?;
    let reversed: Vec<String> = five.iter().rev().cloned().collect();
    for (query, wanted) in [("", &five), ("&sort=Name", &five), ("&sort=Name&reverse=true", &reversed)] {
        let what = format!("the list of {all}{query}");
        let came = names(&case.get(format!("profiles?{all}{query}")).await?, &what)?;
        ensure!(came == *wanted, "{what}: {wanted:?} was expected, {came:?} came");
    }
    Ok(())
}

async fn pages_are_counted(case: &Case) -> Verdict {
    let Five { names: five, all } = five(case).await?;
    for (query, from, to) in [
        ("", 0, 5),
        ("&limit=2", 0, 2),
        ("&offset=3", 3, 5),
        ("&offset=1&limit=3", 1, 4),
        ("&limit=0", 0, 0),
        ("&offset=9", 5, 5),
    ] {
        let what = format!("the list of {all}{query}");
        let answer = case.get(format!("profiles?{all}{query}")).await?;
        let (came, wanted) = (names(&answer, &what)?, five.get(from..to).unwrap_or_default());
        ensure!(came == wanted, "{what}: {wanted:?} was expected, {came:?} came");
        let listed = count(&answer, "x-drp-list-count")?;
        ensure!(listed == came.len(), "{what}: X-DRP-LIST-COUNT {} was expected, {listed} came", came.len());
        let total = count(&answer, "x-drp-list-total-count")?;
        ensure!(total >= 5, "{what}: X-DRP-LIST-TOTAL-COUNT of at least 5 was expected, {total} came");
    }
    Ok(())
}

async fn heads_are_counted(case: &Case) -> Verdict {
    let Five { all, .. } = five(case).await?;
    let answer = case.head(format!("profiles?{all}")).await?;
    answer.is(200, "HEAD of a list")?;
    ensure!(answer.body.is_empty(), "HEAD was expected to have no body, {} bytes came", answer.body.len());
    for header in ["x-drp-list-count", "x-drp-list-filter-count"] {
        let came = count(&answer, header)?;
        ensure!(came == 5, "{header}: 5 was expected, {came} came");
    }
    count(&answer, "x-drp-list-total-count").map(drop)
}

async fn slim_lists_are_reduced(case: &Case) -> Verdict {
    let Five { all, .. } = five(case).await?;
    let answer = case.get(format!("profiles?{all}&slim=Params,Meta")).await?;
    let list = answer.json_of(200, "a slim list")?;
    let first = &list[0];
    for field in ["Params", "Meta"] {
        let is_empty = first[field].is_null() || first[field] == json!({});
        ensure!(is_empty, "slim: {field} was expected to be empty, {} came", shown(&first[field]));
    }
    same("slim: Partial", &first["Partial"], &json!(true))?;
    let whole = case.get(format!("profiles?{all}")).await?.json_of(200, "the list")?;
    same("Params without slim", &whole[0]["Params"]["list"], &json!("a"))
}

async fn bad_filters_are_refused(case: &Case) -> Verdict {
    for (query, message) in [
        ("conformance-unknown=x", "Filter not found: conformance-unknown"),
        ("limit=-1", "Limit cannot be negative"),
        ("offset=-1", "Offset cannot be negative"),
    ] {
        // Of a type that has no params: a param's name is a filter too.
        let error = case.get(format!("params?{query}")).await?.error_of(406, query)?;
        says(query, &error, message)?;
    }
    case.get("params?sort=conformance-unknown").await?.error_of(406, "an unknown sort").map(drop)
}
