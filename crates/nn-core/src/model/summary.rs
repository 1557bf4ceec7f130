//! The table that Keras users know, with two more columns: multiply-adds and activation bytes per image.

use std::fmt::Write;

use nn_kernels::Real;

use super::Network;
use super::outline::{Outline, sum};
use crate::number::bytes;

const TITLES: [&str; 5] = ["Layer (type)", "Output Shape", "Param #", "MACs", "Activation"];

impl<R: Real> Network<R> {
    /// [`Outline::summary`] of the network as it is, with what is frozen.
    pub fn summary(&self) -> String {
        Outline::of(self).summary::<R>()
    }
}

impl Outline {
    /// A table of the layers in Keras's look, the parts of a residual block in front of it: output shapes, exact parameter
    /// counts, multiply-adds of one forward pass of one image, and the bytes of each output for one image with elements
    /// of type `R`.
    pub fn summary<R: Real>(&self) -> String {
        let size = |elements: u64| bytes(elements.saturating_mul(size_of::<R>() as u64));
        let mut rows = Vec::new();
        let (mut macs, mut trainable) = (0u64, 0u64);
        for layer in self.layers_and_parts() {
            let info = &layer.info;
            let own_macs = info.macs.saturating_sub(sum(layer.parts.iter().map(|part| part.info.macs)));
            let trained = layer.params.iter().filter(|param| param.trainable);
            trainable = trainable.saturating_add(sum(trained.map(|param| param.elements())));
            macs = macs.saturating_add(own_macs);
            rows.push([
                format!("{} ({})", info.name, info.class_name),
                info.output_shape.to_string(),
                thousands(layer.count_params()),
                thousands(own_macs),
                size(info.output_shape.elements() as u64),
            ]);
        }
        let width = |column: usize| {
            let widest = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
            widest.max(TITLES[column].len())
        };
        let widths: [usize; 5] = std::array::from_fn(width);
        let rule = |left: &str, line: &str, middle: &str, right: &str| {
            let cells: Vec<_> = widths.iter().map(|width| line.repeat(width + 2)).collect();
            format!("{left}{}{right}\n", cells.join(middle))
        };
        let line = |bar: &str, cells: [&str; 5]| {
            let mut text = String::from(bar);
            for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
                // Text to the left, numbers to the right.
                let cell = if column < 2 { format!("{cell:<width$}") } else { format!("{cell:>width$}") };
                let _ = write!(text, " {cell} {bar}");
            }
            text + "\n"
        };
        let total = self.count_params();
        let mut table = format!("Model: \"{}\"   input {}\n", self.name, self.input_shape);
        table += &rule("┏", "━", "┳", "┓");
        table += &line("┃", TITLES);
        table += &rule("┡", "━", "╇", "┩");
        let body: Vec<_> = rows.iter().map(|row| line("│", row.each_ref().map(String::as_str))).collect();
        table += &body.join(&rule("├", "─", "┼", "┤"));
        table += &rule("└", "─", "┴", "┘");
        let sized = |n: u64| format!("{} ({})", thousands(n), size(n));
        let _ = writeln!(table, " Total params: {}", sized(total));
        let _ = writeln!(table, " Trainable params: {}", sized(trainable));
        let _ = writeln!(table, " Non-trainable params: {}", sized(total.saturating_sub(trainable)));
        let _ = writeln!(
            table,
            " Forward pass: {} MACs per image (products with padding counted)",
            thousands(macs)
        );
        let _ = writeln!(table, " Activations: {} per image", size(self.count_activations()));
        table
    }
}

/// `1234567` as `1,234,567`.
fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.char_indices() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
