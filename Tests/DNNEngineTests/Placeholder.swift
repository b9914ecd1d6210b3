// DNNEngineTests
