use std::collections::HashSet;

use super::LayerWeights;
use crate::keras::KerasError;
use crate::keras::hdf5::{Group, Hdf5};
use crate::quoted::list;

/// Layers inside layers inside layers; real models have two or three levels.
const DEEPEST: usize = 16;

/// Reads the layout of Keras 3: `layers/PATH/vars/0`, `1`, ... PATH is made of class names in snake case, numbered:
/// `dense`, `dense_1`; it is what Keras looks for. Since Keras 3.7 or so, the attribute `name` of `vars` tells the layer's own name; without it
/// the path stands in. None if the file is of another kind.
pub(super) fn read(hdf5: &Hdf5) -> Result<Option<Vec<LayerWeights>>, KerasError> {
    let root = hdf5.root()?;
    let (groups, _) = root.members()?;
    // The second name is that of TensorFlow 2.13.
    let layers = ["layers", "_layer_checkpoint_dependencies"];
    let Some(layers) = layers.into_iter().find(|name| groups.iter().any(|group| group == name)) else {
        return Ok(None);
    };
    if groups.iter().any(|name| name == "vars") && !root.group("vars")?.members()?.1.is_empty() {
        return Err(root.error("vars", "the model has weights outside its layers, which is not supported"));
    }
    let mut walk = Walk { found: Vec::new(), visited: HashSet::new() };
    walk.descend(&root.group(layers)?, "", 0)?;
    Ok(Some(walk.found))
}

struct Walk {
    found: Vec<LayerWeights>,
    /// Links may form cycles.
    visited: HashSet<u64>,
}

impl Walk {
    fn descend(&mut self, group: &Group, path: &str, depth: usize) -> Result<(), KerasError> {
        if depth > DEEPEST {
            return Err(group.error("", format!("groups are nested more than {DEEPEST} deep")));
        }
        if !self.visited.insert(group.address()) {
            return Err(group.error("", "this group is reached on two ways"));
        }
        let (groups, datasets) = group.members()?;
        if let Some(dataset) = datasets.first() {
            return Err(group.error(dataset, "expected a group of a layer, found a dataset"));
        }
        for name in groups {
            // The state of a random generator, in integers, is no weight.
            if name == "seed_generator" {
                continue;
            }
            let child = group.group(&name)?;
            if name == "vars" {
                self.found.push(read_layer(&child, path)?);
            } else {
                let below = if path.is_empty() { name } else { format!("{path}/{name}") };
                self.descend(&child, &below, depth + 1)?;
            }
        }
        Ok(())
    }
}

/// Reads the arrays `0`, `1`, ... of a group `vars`.
fn read_layer(vars: &Group, path: &str) -> Result<LayerWeights, KerasError> {
    let layer = vars.text("name")?.unwrap_or_else(|| path.to_owned());
    let (groups, datasets) = vars.members()?;
    if let Some(group) = groups.first() {
        return Err(vars.error(group, "expected an array, found a group"));
    }
    let numbers: HashSet<&str> = datasets.iter().map(String::as_str).collect();
    let names: Vec<String> = (0..datasets.len()).map(|number| number.to_string()).collect();
    if let Some(missing) = names.iter().find(|name| !numbers.contains(name.as_str())) {
        let problem =
            format!("the arrays {} should be numbered from 0; {missing} is missing", list(&datasets));
        return Err(vars.error("", problem));
    }
    let weights = names.into_iter().map(|name| {
        let array = vars.array(&name)?;
        Ok((name, array))
    });
    Ok(LayerWeights { weights: weights.collect::<Result<_, _>>()?, layer, place: Some(path.to_owned()) })
}
