mod domains;
mod errors;
mod text;
mod trees;

use proptest::prelude::*;

use super::*;

/// Texts that are awkward as names and as choices.
const WORDS: [&str; 10] = [
    "a",
    "",
    "two words",
    "quo\"te",
    "back\\slash",
    "dot.ted",
    "new\nline",
    "größe",
    "\u{7f}\u{1}",
    "NaN # 'x'",
];

/// Any choice that equals itself.
fn value() -> impl Strategy<Value = Value> {
    let single = prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("not NaN", |x| !x.is_nan()).prop_map(Value::Float),
        prop::sample::select(&WORDS[..]).prop_map(Value::from),
        any::<String>().prop_filter("no mark", |text| !text.starts_with('\0')).prop_map(Value::Str),
    ];
    single.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::List),
            // TOML takes an empty one for nothing.
            prop::collection::btree_map(any::<String>(), inner, 1..3).prop_map(Value::Map),
        ]
    })
}

/// Different choices.
fn choices() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(value(), 1..5).prop_map(|values| {
        let mut different: Vec<Value> = Vec::new();
        for value in values {
            if !different.iter().any(|other| other.same(&value)) {
                different.push(value);
            }
        }
        different
    })
}

/// A parameter with few values.
fn small() -> impl Strategy<Value = Domain> {
    prop_oneof![
        (-5i64..5, 1i64..5, 1i64..3).prop_map(|(low, width, step)| Domain::Int {
            low,
            high: low + width,
            log: false,
            step: step.min(width)
        }),
        (0u8..4).prop_map(|last| Domain::Float {
            low: 0.1,
            high: 0.45 + f64::from(last) / 10.0,
            log: false,
            step: Some(0.1)
        }),
        choices().prop_map(|choices| Domain::Categorical { choices }),
        choices().prop_map(|choices| Domain::Ordinal { choices }),
    ]
}

/// Any parameter.
fn domain() -> impl Strategy<Value = Domain> {
    let real = || (-1e6..1e6, 1e-3..1e6, any::<bool>());
    prop_oneof![
        small(),
        real().prop_map(|(low, width, log)| {
            let low = if log { f64::abs(low) + 1e-9 } else { low };
            Domain::Float { low, high: low + width, log, step: None }
        }),
        real().prop_map(|(mu, sigma, log)| Domain::Normal {
            mu,
            sigma,
            log: false,
            step: log.then_some(sigma)
        }),
        (-5.0..5.0, 0.1..2.0).prop_map(|(mu, sigma)| Domain::Normal { mu, sigma, log: true, step: None }),
        (1i64..1 << 40, 1i64..1 << 40).prop_map(|(low, width)| Domain::Int {
            low,
            high: low + width,
            log: true,
            step: 1
        }),
    ]
}

/// A tree of parameters from `domain`: each has a parent by chance, and exists for some of its choices.
fn space(domain: impl Strategy<Value = Domain>, most: usize) -> impl Strategy<Value = Space> {
    let parameter = (domain, any::<prop::sample::Index>(), any::<u8>(), 0usize..WORDS.len());
    prop::collection::vec(parameter, 1..=most).prop_map(|parameters| {
        let mut declarations: Vec<Declaration> = Vec::new();
        for (index, (domain, parent, mask, word)) in parameters.into_iter().enumerate() {
            let mut new = Declaration::new(&format!("{}{index}", WORDS[word]), domain);
            let parents: Vec<_> =
                declarations.iter().filter(|other| other.domain.choices().is_some()).collect();
            if mask % 3 > 0 && !parents.is_empty() {
                let parent = parents[parent.index(parents.len())];
                let options = parent.domain.choices().unwrap();
                let mut chosen: Vec<Value> = options.to_vec();
                chosen.retain(|option| {
                    mask >> (options.iter().position(|o| o.same(option)).unwrap() + 2) & 1 == 1
                });
                if chosen.is_empty() {
                    chosen.push(options[0].clone());
                }
                new = new.when_any(&parent.name, chosen);
            }
            declarations.push(new);
        }
        Space::new(declarations).unwrap()
    })
}

/// All internal representations of a discrete parameter.
fn values(domain: &Domain) -> Vec<f64> {
    let (low, high) = domain.bounds();
    let step = match *domain {
        Domain::Float { step, .. } | Domain::Normal { step, .. } => step.unwrap(),
        Domain::Int { step, .. } => step as f64,
        _ => 1.0,
    };
    // Half a step, so that rounding does not lose the last one.
    (0..).map(|i| low + f64::from(i) * step).take_while(|x| *x < high + 0.5 * step).collect()
}
