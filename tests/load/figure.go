package main

import (
	"context"
	"fmt"
	"slices"
)

// A figure is one value of the result: a median.
type figure struct {
	Scenario string  `json:"scenario"`
	What     string  `json:"what"`
	Server   string  `json:"server,omitempty"` // where several are compared
	Axis     string  `json:"axis,omitempty"`   // what grows, where something does
	X        float64 `json:"x,omitempty"`      // how far it has grown
	Value    float64 `json:"value"`
	Unit     string  `json:"unit"`
	Ratio    float64 `json:"ratio,omitempty"` // to what Of names
	Of       string  `json:"of,omitempty"`
}

func measured(scenario, what string, value float64, unit string) figure {
	return figure{Scenario: scenario, What: what, Value: value, Unit: unit}
}

// of adds the ratio to a baseline. There is none where the baseline is too small to be measured.
func (f figure) of(name string, baseline float64) figure {
	if baseline != 0 {
		f.Ratio, f.Of = f.Value/baseline, name
	}
	return f
}

// by says which server it is of.
func (f figure) by(server string) figure {
	f.Server = server
	return f
}

// at says how far something has grown.
func (f figure) at(axis string, x int) figure {
	f.Axis, f.X = axis, float64(x)
	return f
}

func median(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}

// A trial measures a server once: a value for each unit of its comparison.
type trial func(ctx context.Context, o options, d driver) ([]float64, error)

// compare has the servers take turns, as often as there are rounds, so that what disturbs one disturbs the others. The
// figures are medians, and their ratios are to the first server if that is the baseline.
func (o options) compare(ctx context.Context, scenario, what string, units []string, t trial) ([]figure, error) {
	values := make([][][]float64, len(o.drivers)) // of a server, of a unit
	for round := range o.rounds {
		for i, d := range o.drivers {
			got, err := t(ctx, o, d)
			if err != nil {
				return nil, fmt.Errorf("%s, %s, round %d: %w", what, d.name, round+1, err)
			}
			values[i] = append(values[i], got)
		}
	}
	var all []figure
	for u, unit := range units {
		var first float64
		for i, d := range o.drivers {
			f := measured(scenario, what, median(column(values[i], u)), unit).by(d.name)
			if i == 0 {
				first = f.Value
			} else if o.drivers[0].name == baseline {
				f = f.of(baseline, first)
			}
			all = append(all, f)
		}
	}
	return all, nil
}

func column(rows [][]float64, i int) (values []float64) {
	for _, row := range rows {
		values = append(values, row[i])
	}
	return values
}

// grown says of figures that they are a step of a growth.
func grown(all []figure, axis string, x int) []figure {
	for i, f := range all {
		all[i] = f.at(axis, x)
	}
	return all
}
