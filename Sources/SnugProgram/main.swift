import SnugCommand

CommandLineProgram.run()
