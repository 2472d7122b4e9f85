"""What is offered beyond single calls, by resource: these classes extend the generated ones."""
