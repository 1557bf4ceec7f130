//! What the judge prints.

use serde_json::{Map, Value as Json, json};

use super::{CHECKPOINTS, Regrets, SIZES};

/// Regrets by function and sampler.
type Rows<'a> = [(&'a str, &'a str, Regrets)];

/// Milliseconds of a suggestion by sampler, for each size.
type Times<'a> = [(&'a str, [f64; SIZES.len()])];

pub fn print_json(regrets: &Rows<'_>, times: &Times<'_>) {
    let mut all = Map::new();
    for (function, sampler, quartiles) in regrets {
        let row: Map<_, _> =
            CHECKPOINTS.iter().zip(quartiles).map(|(n, q)| (n.to_string(), json!(q))).collect();
        let samplers = all.entry(*function).or_insert_with(|| Json::Object(Map::new()));
        samplers[*sampler] = Json::Object(row);
    }
    let times = times.iter().map(|(sampler, times)| {
        let row: Map<_, _> = SIZES.iter().zip(times).map(|(n, time)| (n.to_string(), json!(time))).collect();
        (sampler.to_string(), Json::Object(row))
    });
    all.insert("milliseconds".to_owned(), times.collect::<Map<_, _>>().into());
    println!("{:#}", Json::Object(all));
}

pub fn print_text(regrets: &Rows<'_>, times: &Times<'_>) {
    println!("regret: median [first quartile, third quartile]");
    for (function, sampler, quartiles) in regrets {
        print!("{function:12} {sampler:19}");
        for (n, [low, median, high]) in CHECKPOINTS.iter().zip(quartiles) {
            print!("  @{n} {median:.4} [{low:.4}, {high:.4}]");
        }
        println!();
    }
    println!("milliseconds for a suggestion in six dimensions");
    for (sampler, row) in times {
        print!("{sampler:32}");
        SIZES.iter().zip(row).for_each(|(n, time)| print!("  @{n} {time:.4}"));
        println!();
    }
}
