//! `fer model`: the networks by name.

use clap::Subcommand;
use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Value, json};

use fer::settings::find_model;
use nn_core::layer::Layer;

use super::{emit, emit_json};

/// The subcommands of `fer model`.
#[derive(Subcommand)]
pub enum Command {
    /// List the models with their parameters and multiply-adds
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a model's layers, shapes, parameters and multiply-adds
    Summary {
        /// A model of `fer model list`, or a network configuration ending in .json
        model: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a model's configuration as JSON, to be changed and trained with `fer train FILE.json`
    Config {
        /// A model of `fer model list`, or a network configuration ending in .json
        model: String,
    },
}

impl Command {
    /// Runs the chosen subcommand.
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { json } => list(json),
            Self::Summary { model, json: false } => {
                emit(find_model(&model)?.0.outline()?.summary::<f32>().trim_end())
            }
            Self::Summary { model, json: true } => emit_json(&describe_layers(&model)?),
            Self::Config { model } => emit(&find_model(&model)?.0.to_json()),
        }
    }
}

fn list(as_json: bool) -> anyhow::Result<()> {
    let models: Vec<Value> =
        nn_zoo::MODELS.iter().map(|(name, _)| describe(name)).collect::<Result<_, _>>()?;
    if as_json {
        return emit_json(&models);
    }
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(["model", "layers", "params", "MACs", "epochs"]);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for model in &models {
        table.add_row(["model", "layers", "params", "macs", "epochs"].map(|key| match &model[key] {
            Value::String(text) => text.clone(),
            number => number.to_string(),
        }));
    }
    emit(&table.to_string())
}

fn describe(name: &str) -> anyhow::Result<Value> {
    let (config, epochs) = find_model(name)?;
    let network = config.build::<f32>(0)?;
    let macs: u64 = network.layers().iter().map(|layer| layer.info().macs).sum();
    Ok(json!({
        "model": name,
        "layers": network.layers().len(),
        "params": network.count_params(),
        "macs": macs,
        "epochs": epochs,
    }))
}

fn describe_layers(name: &str) -> anyhow::Result<Value> {
    let mut model = describe(name)?;
    let network = find_model(name)?.0.build::<f32>(0)?;
    let layer = |layer: &dyn Layer<f32>| {
        let info = layer.info();
        json!({
            "name": info.name,
            "class_name": info.class_name,
            "output_shape": &info.output_shape[..],
            "params": layer.params().iter().map(|param| param.value.len()).sum::<usize>(),
            "macs": info.macs,
        })
    };
    model["layers"] = network.layers().iter().map(|boxed| layer(boxed.as_ref())).collect();
    Ok(model)
}
