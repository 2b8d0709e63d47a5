"""The rulesets that the gate ships; see the .yml files beside this one."""
