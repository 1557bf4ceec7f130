//! A space as the tables of its parameters.

use super::tree::Tree;
use crate::space::{Domain, Node, Space};
use crate::value::Value;

/// One table for each parameter, in order.
pub(super) fn tree(space: &Space) -> Tree {
    Tree::Table(space.nodes.iter().map(|node| (node.name.clone(), Tree::Table(table(space, node)))).collect())
}

fn table(space: &Space, node: &Node) -> Vec<(String, Tree)> {
    let mut keys: Vec<(&str, Tree)> = Vec::new();
    let value = |value: Value| Tree::from(value);
    let list = |choices: &[Value]| Tree::List(choices.iter().cloned().map(Tree::from).collect());
    match &node.domain {
        Domain::Float { low, high, .. } => {
            keys.extend([("low", value((*low).into())), ("high", value((*high).into()))]);
        }
        Domain::Int { low, high, .. } => {
            keys.extend([("low", value((*low).into())), ("high", value((*high).into()))]);
        }
        Domain::Categorical { choices } if choices[..] == [false.into(), true.into()] => {
            keys.push(("type", value("bool".into())));
        }
        Domain::Categorical { choices } => keys.push(("choices", list(choices))),
        Domain::Ordinal { choices } => {
            keys.extend([("choices", list(choices)), ("ordered", value(true.into()))]);
        }
        Domain::Normal { mu, sigma, .. } => {
            keys.extend([("mu", value((*mu).into())), ("sigma", value((*sigma).into()))]);
        }
    }
    match node.domain {
        Domain::Float { log, step, .. } | Domain::Normal { log, step, .. } => {
            keys.extend(log.then(|| ("log", value(true.into()))));
            keys.extend(step.map(|step| ("step", value(step.into()))));
        }
        Domain::Int { log, step, .. } => {
            keys.extend(log.then(|| ("log", value(true.into()))));
            keys.extend((step != 1).then(|| ("step", value(step.into()))));
        }
        Domain::Categorical { .. } | Domain::Ordinal { .. } => {}
    }
    if let Some((parent, mask)) = &node.condition {
        let parent = &space.nodes[*parent];
        let options = parent.domain.choices().unwrap_or_default().iter().zip(mask);
        let chosen: Vec<Value> =
            options.filter(|(_, exists)| **exists).map(|(option, _)| option.clone()).collect();
        // A list in the place of a choice is a list of choices.
        let chosen = match &chosen[..] {
            [single] if single.as_list().is_none() => value(single.clone()),
            several => list(several),
        };
        keys.push(("when", Tree::Table(vec![(parent.name.clone(), chosen)])));
    }
    keys.into_iter().map(|(key, tree)| (key.to_owned(), tree)).collect()
}
